// Package darwinkit holds the cures of two memory bugs of the library of that name, and the tests that show both bugs.
// README.md tells of them.
package darwinkit
