package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licences gathers the licences of all that is in the application: every one asks that its text come along.
func licences(mlx string) (string, error) {
	wheel, err := filepath.Glob(filepath.Join(mlx, "*.dist-info", "licenses"))
	if err != nil || len(wheel) != 1 {
		return "", fmt.Errorf("no licence of MLX in %s", mlx)
	}
	dirs, err := moduleFolders()
	if err != nil {
		return "", err
	}
	dirs["MLX"] = wheel[0]
	var names []string
	for name := range dirs {
		names = append(names, name)
	}
	slices.Sort(names)
	var all strings.Builder
	all.WriteString("TTSUI is made of these works, under these terms.\n")
	for _, name := range names {
		text, err := licence(dirs[name])
		if err != nil {
			return "", err
		}
		if text == "" {
			return "", fmt.Errorf("%s has no licence in %s", name, dirs[name])
		}
		fmt.Fprintf(&all, "\n%s\n%s\n\n%s", name, strings.Repeat("-", len(name)), text)
	}
	return all.String(), nil
}

// moduleFolders gives the folder of Go itself and of each module that the program is built of on a Mac.
func moduleFolders() (map[string]string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "./cmd/ttsui")
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=1", "CC=false", "CXX=false")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	dirs := map[string]string{"Go": strings.TrimSpace(string(root))}
	for line := range strings.Lines(string(out)) {
		if module, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			dirs[module] = dir
		}
	}
	return dirs, nil
}

// licence gives the texts in a folder that are licences by their names.
func licence(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	name := regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying|^notice`)
	var all strings.Builder
	for _, entry := range entries {
		if entry.IsDir() || !name.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", err
		}
		all.Write(text)
		all.WriteString("\n")
	}
	return all.String(), nil
}
