//go:build !darwin && !gnustep

package main

import "github.com/spf13/cobra"

// openWindow prints help: there is no window on this system.
func openWindow(cmd *cobra.Command, _ []string) error { return cmd.Help() }
