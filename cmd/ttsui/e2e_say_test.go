package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
)

// testSay: the same audio without a server, in each mode, with the text from each place.
func (w world) testSay(t *testing.T) {
	dir := t.TempDir()
	calls := goldenCalls(t)
	for _, name := range []string{"b4_icl_streamtext_shorttext", "c1_ryan_english", "v1_auto_instruct_eos"} {
		t.Run(name, func(t *testing.T) {
			c, out := calls[name], filepath.Join(dir, name+".wav")
			args := []string{"say", "--temperature", "0", "--max-frames", "16", "--repetition-penalty", fmt.Sprint(c.Penalty), "--seed", "7",
				"--top-k", "3", "--top-p", "0.5", fmt.Sprintf("--non-streaming-mode=%v", c.FullText), "-o", out}
			if c.Language != nil {
				args = append(args, "--language", *c.Language)
			}
			stdin := ""
			switch c.Mode {
			case "clone":
				text := filepath.Join(dir, "text.txt")
				if err := os.WriteFile(text, []byte(c.Text), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--ref", testkit.Golden("clip.wav"), "--ref-text", c.RefText, "-f", text)
			case "custom":
				args = append(args, "--speaker", c.Speaker, "-")
				stdin = c.Text + "\n"
			default:
				args = append(args, "--instruct", *c.Instruct, c.Text)
			}
			w.say(t, stdin, out, c, args...)
			compareWithGolden(t, out, name)
		})
	}
}

// testSayVoice: a saved voice says what its clip does, and so does what is remembered of it in the next process.
func (w world) testSayVoice(t *testing.T) {
	const name = "b4_icl_streamtext_shorttext"
	c, out := goldenCalls(t)[name], filepath.Join(t.TempDir(), "out.wav")
	add := w.command(t, patience, "voices", "add", "Golden", testkit.Golden("clip.wav"), "--ref-text", c.RefText)
	add.Args = add.Args[:len(add.Args)-4] // it takes no flags about models
	if text, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for range 2 {
		args := []string{"say", "--temperature", "0", "--max-frames", "16", "--repetition-penalty", fmt.Sprint(c.Penalty),
			fmt.Sprintf("--non-streaming-mode=%v", c.FullText), "--voice", "golden", "-o", out, c.Text}
		if c.Language != nil {
			args = append(args, "--language", *c.Language)
		}
		w.say(t, "", out, c, args...)
		compareWithGolden(t, out, name)
		if kept, err := filepath.Glob(filepath.Join(filepath.Dir(w.bin), ".ttsui", "clone", "speakers", "prompts", "*.json")); err != nil || len(kept) != 1 {
			t.Errorf("kept are %v, %v", kept, err)
		}
	}
}

// say runs the program, which has to speak the call into out.
func (w world) say(t *testing.T, stdin, out string, c goldenCall, args ...string) {
	t.Helper()
	cmd := w.command(t, patience, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil || string(stdout) != out+"\n" {
		t.Fatalf("say printed %q and %q: %v", stdout, &stderr, err)
	}
	want := ""
	if !c.Stopped {
		want = "ttsui: warning: the speech was cut off at its limit of 16 frames\n"
	}
	if got := stderr.String(); got != want {
		t.Errorf("stderr %q", got)
	}
}

// testSayInterrupted: ^C leaves nothing.
func (w world) testSayInterrupted(t *testing.T) {
	dir := t.TempDir()
	cmd := w.command(t, patience, "say", "--speaker", "Ryan", "--max-frames", "16384", "--no-runaway-guard", "-o", filepath.Join(dir, "out.wav"), "--log-level", "info", "For ever.")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasSuffix(lines.Text(), "| Generating audio...") {
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("say ended with %v: %q", err, rest)
	}
	if len(rest) == 0 || !strings.HasPrefix(rest[len(rest)-1], "ttsui: error: ") {
		t.Errorf("say's last words are %q", rest)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
