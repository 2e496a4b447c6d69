package app

import (
	"os"

	"ttsui/internal/userdata"
)

// FindOutputs says where results may be written for clients: below the home folder save its hidden ones, below the
// folders for temporary files (the user's own, and /tmp, which scripts name), and below the folders given.
func FindOutputs(roots []string, getenv func(string) string) (*userdata.Outputs, error) {
	return userdata.NewOutputs(getenv("HOME"), []string{os.TempDir(), "/tmp"}, roots)
}
