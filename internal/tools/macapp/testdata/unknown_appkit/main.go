// Command unknown_appkit calls a function that AppKit doesn't have. It must not link.
package main

/*
#cgo CFLAGS: -x objective-c
#cgo LDFLAGS: -framework AppKit
extern void NSNobodyHasThis(void);
*/
import "C"

func main() { C.NSNobodyHasThis() }
