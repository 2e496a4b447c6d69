//go:build darwin && !gnustep

package cocoa

// inspect is for tests on other systems.
func inspect() {}
