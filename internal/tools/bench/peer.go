package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"ttsui/internal/speed"
)

// program is another program that can speak with our checkpoints, written in Python.
type program struct {
	name      string   // with its version
	flag      string   // that asks for it
	packages  []string // what pip installs, in exact versions
	script    string   // its side of the benchmark, without peerScript
	quantized bool     // whether it loads quantised weights, too
}

// programs are those that can be measured beside us.
func programs() []program { return []program{mlxAudio(), official()} }

// peerScript stands before each program's script.
//
//go:embed peer.py
var peerScript string

// peer measures a program in a Python process, which peer.py describes.
type peer struct {
	program
	python, dir, dtype string
	process            *exec.Cmd
	jobs               io.WriteCloser
	answers            *bufio.Reader
	log                tail // of what it prints
}

// Name implements speed.Side.
func (p *peer) Name() string { return p.name }

// Load implements speed.Side.
func (p *peer) Load(ctx context.Context) (l speed.Loading, err error) {
	p.process = exec.CommandContext(ctx, p.python, "-c", peerScript+p.script, p.dir, p.dtype)
	p.process.Env = append(os.Environ(), "HF_HUB_OFFLINE=1")
	p.process.Stderr = &p.log
	if p.jobs, err = p.process.StdinPipe(); err != nil {
		return l, err
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return l, err
	}
	p.answers = bufio.NewReader(out)
	if err := p.process.Start(); err != nil {
		p.process = nil
		return l, fmt.Errorf("start %s: %w", p.name, err)
	}
	if err := p.answer(&l); err != nil {
		return l, fmt.Errorf("load into %s: %w", p.name, err)
	}
	return l, nil
}

// Do implements speed.Side.
func (p *peer) Do(_ context.Context, j speed.Job) (t speed.Take, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return t, err
	}
	if _, err := p.jobs.Write(append(text, '\n')); err != nil {
		return t, fmt.Errorf("ask %s: %w", p.name, err)
	}
	return t, p.answer(&t)
}

func (p *peer) answer(into any) error {
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		err = errors.Join(err, p.Close()) // all that it has printed is there then
		return fmt.Errorf("%s has ended: %w\n%s", p.name, err, p.log.text)
	}
	return json.Unmarshal(line, into)
}

// Close implements speed.Side.
func (p *peer) Close() error {
	if p.process == nil {
		return nil
	}
	err := errors.Join(p.jobs.Close(), p.process.Wait())
	p.process = nil
	return err
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4096
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

// setUp makes Python environments with the programs whose flags have a folder.
func setUp(ctx context.Context, dirs map[string]string) error {
	for _, p := range programs() {
		if dir, wanted := dirs[p.flag]; wanted {
			if err := p.setUp(ctx, dir); err != nil {
				return fmt.Errorf("set up %s: %w", p.name, err)
			}
		}
	}
	return nil
}

// setUp makes a Python environment with the program in dir.
func (p program) setUp(ctx context.Context, dir string) error {
	python := filepath.Join(dir, "bin", "python")
	install := []string{python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"}
	for _, command := range [][]string{{"python3", "-m", "venv", dir}, append(install, p.packages...)} {
		c := exec.CommandContext(ctx, command[0], command[1:]...)
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	fmt.Fprintf(os.Stderr, "%s is ready: go run ./internal/tools/bench -%s %s\n", p.name, p.flag, python)
	return nil
}
