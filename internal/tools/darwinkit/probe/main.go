//go:build darwin || gnustep

// Command probe does what darwinkit's two memory bugs spoil, and says how it went. Its name for a bug is its argument:
//
//	stack    a method made in Go is called after the stack it was made on has been used for something else
//	narrow   methods that answer a bool are called among small objects, which are counted after
//
// It prints "clean" and ends with 0, or says what is spoiled and ends with 1. With a bug it may also crash.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/progrium/darwinkit/objc"
)

func main() {
	runtime.LockOSThread()
	probes := map[string]func() string{"stack": stack, "narrow": narrow}
	if len(os.Args) != 2 || probes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: probe stack|narrow")
		os.Exit(2)
	}
	if spoiled := probes[os.Args[1]](); spoiled != "" {
		fmt.Println(spoiled)
		os.Exit(1)
	}
	fmt.Println("clean")
}

// stack makes a method, writes over the stack, and calls the method.
func stack() string {
	scribble(256) // so that the stack has its size before, and stays where it is
	selector := objc.Sel("plus:")
	class := objc.AllocateClass(objc.GetClass("NSObject"), "Adder", 0)
	objc.AddMethod(class, selector, func(_ objc.Object, n int) int { return n + 1 })
	objc.RegisterClass(class)
	object := class.CreateInstance(0)
	scribble(256)
	if got := objc.Call[int](object, selector, 41); got != 42 {
		return fmt.Sprintf("41 plus 1 is %d", got)
	}
	return ""
}

// scribble fills depth KiB of the stack with zeros.
//
//go:noinline
func scribble(depth int) int {
	var frame [128]int
	if depth > 0 {
		frame[depth%len(frame)] = scribble(depth - 1)
	}
	return frame[0]
}

// What narrow makes: in every round half of the objects go, and calls are made whose answers may take their places.
const (
	rounds  = 100
	objects = 4000
	calls   = 3000
	pattern = 0xab
)

// narrow fills objects of 16 bytes, as many bytes as the allocator packs small values into, and looks for bytes that
// somebody else has written.
func narrow() string {
	object := objc.NewObject()
	selector := objc.Sel("isEqual:")
	spoiled := 0
	for range rounds {
		kept := everyOther()
		runtime.GC()
		for range calls {
			if !objc.Call[bool](object, selector, object) {
				return "an object isn't equal to itself"
			}
		}
		for _, bytes := range kept {
			if *bytes != filled() {
				spoiled++
			}
		}
	}
	if spoiled > 0 {
		return fmt.Sprintf("%d of %d objects are spoiled", spoiled, rounds*objects/2)
	}
	return ""
}

func everyOther() (kept []*[16]byte) {
	for i := range objects {
		bytes := new([16]byte)
		*bytes = filled()
		if i%2 == 0 {
			kept = append(kept, bytes)
		}
	}
	return kept
}

func filled() (bytes [16]byte) {
	for i := range bytes {
		bytes[i] = pattern
	}
	return bytes
}
