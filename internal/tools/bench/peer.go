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
	"runtime"

	"ttsui/internal/speed"
)

// mlxAudioVersion is what we compare ourselves with; its MLX is the release that we link.
const (
	mlxAudioVersion = "0.6.2"
	mlxVersion      = "0.32.4"
)

//go:embed mlxaudio.py
var mlxAudioScript string

// mlxAudio measures mlx-audio in a Python process, which mlxaudio.py describes.
type mlxAudio struct {
	python, dir, dtype string
	process            *exec.Cmd
	jobs               io.WriteCloser
	answers            *bufio.Reader
	log                tail // of what it prints
}

func newMLXAudio(python, dir, dtype string) *mlxAudio {
	return &mlxAudio{python: python, dir: dir, dtype: dtype}
}

// Name implements speed.Side.
func (m *mlxAudio) Name() string { return "mlx-audio " + mlxAudioVersion }

// Load implements speed.Side.
func (m *mlxAudio) Load(ctx context.Context) (l speed.Loading, err error) {
	m.process = exec.CommandContext(ctx, m.python, "-c", mlxAudioScript, m.dir, m.dtype)
	m.process.Env = append(os.Environ(), "HF_HUB_OFFLINE=1")
	m.process.Stderr = &m.log
	if m.jobs, err = m.process.StdinPipe(); err != nil {
		return l, err
	}
	out, err := m.process.StdoutPipe()
	if err != nil {
		return l, err
	}
	m.answers = bufio.NewReader(out)
	if err := m.process.Start(); err != nil {
		m.process = nil
		return l, fmt.Errorf("start mlx-audio: %w", err)
	}
	if err := m.answer(&l); err != nil {
		return l, fmt.Errorf("load into mlx-audio: %w", err)
	}
	return l, nil
}

// Do implements speed.Side.
func (m *mlxAudio) Do(_ context.Context, j speed.Job) (t speed.Take, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return t, err
	}
	if _, err := m.jobs.Write(append(text, '\n')); err != nil {
		return t, fmt.Errorf("ask mlx-audio: %w", err)
	}
	return t, m.answer(&t)
}

func (m *mlxAudio) answer(into any) error {
	line, err := m.answers.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("mlx-audio has ended: %w\n%s", err, m.log.text)
	}
	return json.Unmarshal(line, into)
}

// Close implements speed.Side.
func (m *mlxAudio) Close() error {
	if m.process == nil {
		return nil
	}
	err := errors.Join(m.jobs.Close(), m.process.Wait())
	m.process = nil
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

// setUpMLXAudio makes a Python environment with mlx-audio in dir.
func setUpMLXAudio(ctx context.Context, dir string) error {
	mlx := "mlx==" + mlxVersion
	if runtime.GOOS == "linux" {
		mlx = "mlx[cpu]==" + mlxVersion
	}
	python := filepath.Join(dir, "bin", "python")
	for _, command := range [][]string{
		{"python3", "-m", "venv", dir},
		{python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "mlx-audio==" + mlxAudioVersion, mlx},
	} {
		c := exec.CommandContext(ctx, command[0], command[1:]...)
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	fmt.Fprintf(os.Stderr, "mlx-audio %s is ready: go run ./internal/tools/bench -mlx-audio %s\n", mlxAudioVersion, python)
	return nil
}
