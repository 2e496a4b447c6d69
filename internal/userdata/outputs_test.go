package userdata

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ttsui/internal/tts"
)

// place is a small disk: a home, a folder for temporary files, one more root, and what lies outside of them.
type place struct {
	base    string
	outputs *Outputs
}

func newPlace(t testing.TB) place {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	p := place{base: base}
	for _, dir := range []string{"home/music", "home/.ssh", "home/.ttsui/generated", "home/music/.git", "temp", "more", "outside", "homely", "home/is.wav"} {
		must(t, os.MkdirAll(p.at(dir), 0o755))
	}
	for name, text := range map[string]string{
		"home/empty.wav": "", "home/take.wav": "RIFF\x04\x00\x00\x00WAVE", "home/take.flac.wav": "fLaC\x00", "home/text.wav": "a letter to a friend",
		"home/short.wav": "RIFF", "outside/secret.wav": "RIFF\x04\x00\x00\x00WAVE", "home/file": "x",
	} {
		must(t, os.WriteFile(p.at(name), []byte(text), 0o644))
	}
	for link, to := range map[string]string{
		"home/out": p.at("outside"), "home/up": "..", "home/keys": ".ssh", "home/songs": "music", "home/abs": p.at("home/music"),
		"home/other": p.at("more"), "home/nowhere": p.at("absent"), "home/loop": "loop", "outside/in": p.at("home/music"),
		"home/link.wav": "take.wav", "home/secret.wav": p.at("outside/secret.wav"), "home/dangling.wav": "absent.wav",
	} {
		must(t, os.Symlink(to, p.at(link)))
	}
	must(t, syscall.Mkfifo(p.at("home/pipe.wav"), 0o644))
	must(t, syscall.Mkfifo(p.at("home/pipe"), 0o644))
	p.outputs, err = NewOutputs(p.at("home"), []string{p.at("temp"), p.at("absent")}, []string{p.at("more")})
	must(t, err)
	return p
}

func (p place) at(name string) string { return filepath.Join(p.base, filepath.FromSlash(name)) }

// snapshot is every file of the disk with its content, and every folder and link.
func (p place) snapshot(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(p.base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all[path] = d.Type().String()
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			all[path] += string(data)
			return err
		}
		return nil
	}))
	return all
}

func TestOutputsAllow(t *testing.T) {
	p := newPlace(t)
	for name, lands := range map[string]string{
		"home/new.wav": "", "home/NEW2.WAV": "", "home/a/b/c.wav": "", "home//music/./x.wav": "home/music/x.wav",
		"home/empty.wav": "", "home/take.wav": "", "home/take.flac.wav": "",
		"home/.ttsui/x.wav": "", "home/.ttsui/generated/x.wav": "", "home/.ttsui/clone/generated/x.wav": "", "home/clone/speakers/x.wav": "", "home/.hidden.wav": "", "home/..wav": "",
		"home/songs/s.wav": "home/music/s.wav", "home/abs/s2.wav": "home/music/s2.wav", "home/abs/new/s.wav": "home/music/new/s.wav",
		"home/other/o.wav": "more/o.wav", "outside/in/i.wav": "home/music/i.wav",
		"temp/t.wav": "", "temp/.cache/t.wav": "", "more/.x/y.wav": "",
		"home/a／..／b.wav": "", "home/a∕b.wav": "", "home/‥/c.wav": "", "home/ .wav": "", "home/" + strings.Repeat("n", 251) + ".wav": "",
	} {
		if err := p.outputs.Check(p.base + "/" + name); err != nil {
			t.Errorf("check %s: %v", name, err)
			continue
		}
		f, err := p.outputs.CreateWAV(p.base + "/" + name)
		if err == nil {
			err = f.Commit()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if lands == "" {
			lands = name
		}
		if info, err := os.Lstat(p.at(lands)); err != nil || info.Size() != 44 {
			t.Errorf("%s did not land at %s: %v", name, lands, err)
		}
	}
}

func TestOutputsRefuse(t *testing.T) {
	p := newPlace(t)
	before := p.snapshot(t)
	for _, c := range []struct {
		path string // absolute, or below the base
		code tts.Code
		says string
	}{
		{"", tts.CodeInvalid, "not a .wav"},
		{"outside/x.wav", tts.CodeDenied, "outside the folders"},
		{"homely/x.wav", tts.CodeDenied, "outside the folders"},
		{"x.wav", tts.CodeDenied, "outside the folders"},
		{"home.wav", tts.CodeDenied, "outside the folders"},
		{"/etc/x.wav", tts.CodeDenied, "outside the folders"},
		{"/proc/self/cwd/x.wav", tts.CodeDenied, "outside the folders"},
		{"/dev/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/../outside/x.wav", tts.CodeInvalid, "has .. in it"},
		{"home/../home/x.wav", tts.CodeInvalid, "has .. in it"},
		{"home/.ssh/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/.new/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/.ttsui/.x/y.wav", tts.CodeDenied, "outside the folders"},
		{"home/.ttsui2/y.wav", tts.CodeDenied, "outside the folders"},
		{"home/.ttsui/clone/speakers/y.wav", tts.CodeDenied, "outside the folders"},
		{"home/.ttsui/Clone/SPEAKERS/audio/y.wav", tts.CodeDenied, "outside the folders"},
		{"home/music/.git/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/music/.ttsui/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/keys/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/out/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/out/new/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/up/x.wav", tts.CodeDenied, "outside the folders"},
		{"home/nowhere/x.wav", tts.CodeInvalid, "no such file"},
		{"home/nowhere/y/x.wav", tts.CodeInvalid, "no such file"},
		{"home/loop/x.wav", tts.CodeInvalid, "too many links"},
		{"home/link.wav", tts.CodeDenied, "is a link"},
		{"home/secret.wav", tts.CodeDenied, "is a link"},
		{"home/dangling.wav", tts.CodeDenied, "is a link"},
		{"home/pipe.wav", tts.CodeDenied, "not a regular file"},
		{"home/pipe/x.wav", tts.CodeInvalid, "not a directory"},
		{"home/file/x.wav", tts.CodeInvalid, "not a directory"},
		{"home/file/y/x.wav", tts.CodeInvalid, "not a directory"},
		{"home/is.wav", tts.CodeInvalid, "is a folder"},
		{"home/text.wav", tts.CodeDenied, "not audio"},
		{"home/short.wav", tts.CodeDenied, "not audio"},
		{"home/x.mp3", tts.CodeInvalid, "not a .wav"},
		{"home/x.wav/", tts.CodeInvalid, "not a .wav"},
		{"home/wav", tts.CodeInvalid, "not a .wav"},
		{"home/a\x00b.wav", tts.CodeInvalid, "control characters"},
		{"home/a\nb.wav", tts.CodeInvalid, "control characters"},
		{"home/" + strings.Repeat("n", 252) + ".wav", tts.CodeInvalid, "has 256 bytes"},
		{"home/" + strings.Repeat("a/", 100_000) + "x.wav", tts.CodeInvalid, "the limit is 1024"},
	} {
		path := c.path
		if !filepath.IsAbs(path) {
			path = p.base + "/" + path
		}
		f, err := p.outputs.CreateWAV(path)
		if f != nil || tts.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || tts.HintOf(err) == "" {
			t.Errorf("%.80s: %v (%s, hint %q), want %q (%s)", c.path, err, tts.CodeOf(err), tts.HintOf(err), c.says, c.code)
		}
		if errCheck := p.outputs.Check(path); errCheck == nil || err == nil || errCheck.Error() != err.Error() {
			t.Errorf("%.80s: check says %v, create %v", c.path, errCheck, err)
		}
	}
	for _, relative := range []string{"x.wav", "./x.wav", "~/x.wav"} {
		if err := p.outputs.Check(relative); tts.CodeOf(err) != tts.CodeInvalid {
			t.Errorf("%s: %v", relative, err)
		}
	}
	if after := p.snapshot(t); !maps.Equal(before, after) {
		t.Errorf("the disk changed:\n%v\n%v", before, after)
	}
}

// A folder is swapped for a link between the check and each step after it: the file never lands outside.
func TestOutputsHoldAgainstASwap(t *testing.T) {
	p := newPlace(t)
	dir := p.at("home/music")
	swap := func() {
		must(t, os.Rename(dir, p.at("home/moved")))
		must(t, os.Symlink(p.at("outside"), dir))
	}
	root, name, err := p.outputs.open(filepath.Join(dir, "new", "x.wav"))
	must(t, err)
	f, err := p.outputs.CreateWAV(filepath.Join(dir, "y.wav"))
	must(t, err)
	outside := p.at("outside")
	swap()
	must(t, f.Commit())
	if _, err := os.Stat(p.at("home/moved/y.wav")); err != nil {
		t.Error(err)
	}
	if _, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		t.Error("the root let a file out")
	}
	must(t, root.Close())
	entries, err := os.ReadDir(outside)
	must(t, err)
	if len(entries) != 2 {
		t.Errorf("outside holds %v", entries)
	}
}

func TestOutputsNameTheirRoots(t *testing.T) {
	p := newPlace(t)
	hint := tts.HintOf(p.outputs.Check("/etc/x.wav"))
	for _, want := range []string{p.at("home") + " (of its hidden folders only .ttsui)", p.at("temp"), p.at("more"), "--output-root"} {
		if !strings.Contains(hint, want) {
			t.Errorf("the hint lacks %s: %s", want, hint)
		}
	}
}

func TestNewOutputs(t *testing.T) {
	p := newPlace(t)
	for _, bad := range []string{p.at("absent"), p.at("home/file"), p.at("home/loop")} {
		if _, err := NewOutputs("", nil, []string{bad}); tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, home := range []string{"", "/", ".", p.at("absent")} {
		o, err := NewOutputs(home, nil, nil)
		must(t, err)
		if err := o.Check("/etc/x.wav"); tts.CodeOf(err) != tts.CodeDenied || !strings.HasPrefix(tts.HintOf(err), "Nothing may") {
			t.Errorf("home %q: %v", home, err)
		}
	}
	o, err := NewOutputs(p.at("outside/in"), []string{p.at("temp"), p.at("temp")}, nil) // by way of a link
	must(t, err)
	if got, want := o.roots, []root{{p.at("home/music"), true}, {path: p.at("temp")}, {path: p.at("temp")}}; !slices.Equal(got, want) {
		t.Errorf("roots %v, want %v", got, want)
	}
	if got := o.names(); len(got) != 2 {
		t.Errorf("names %v", got)
	}
}

// What is written lies below a root, and in no hidden folder of the home, by the system's own account of its path.
func FuzzOutputs(f *testing.F) {
	for _, seed := range []string{"home/a.wav", "home/../x.wav", "home/up/x.wav", "home/.ssh/x.wav", "temp/a/b.wav", "outside/in/x.wav",
		"home/abs/../x.wav", "home/.ttsui/.x/y.wav", "outside/x.wav", "home/link.wav", "home/a/../../outside/x.wav", "temp/.x/y.wav"} {
		f.Add(seed)
	}
	p := newPlace(f)
	f.Fuzz(func(t *testing.T, tail string) {
		path := p.base + "/" + tail
		out, err := p.outputs.CreateWAV(path)
		if err == nil {
			err = out.Commit()
		}
		if err != nil {
			if tts.HintOf(err) == "" {
				t.Errorf("%v: no hint", err)
			}
			return
		}
		defer os.Remove(path)
		real, err := filepath.EvalSymlinks(path)
		must(t, err)
		home, inHome := strings.CutPrefix(real, p.at("home")+"/")
		if !inHome && !strings.HasPrefix(real, p.at("temp")+"/") && !strings.HasPrefix(real, p.at("more")+"/") {
			t.Errorf("%q lands at %q", tail, real)
		}
		if inHome && strings.Contains("/"+strings.TrimPrefix(filepath.Dir(home), ".ttsui")+"/", "/.") && filepath.Dir(home) != "." {
			t.Errorf("%q lands in the hidden %q", tail, real)
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
