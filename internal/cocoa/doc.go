// Package cocoa is TTSUI's window, drawn by the Mac's own controls through darwinkit. The same code runs on GNUstep, on
// Linux, for tests; everywhere else the package is all but empty.
package cocoa
