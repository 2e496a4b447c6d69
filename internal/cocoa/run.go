//go:build darwin || gnustep

package cocoa

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"
)

// life is what an application does at its turning points, all on the main thread.
type life struct {
	launched func(appkit.Application) // builds the windows
	mayQuit  func() bool              // asks the user, when something would be lost
	quit     func()                   // puts everything in order; the process ends when it returns
}

// run is the life of the application: it returns never, as Cocoa ends the process itself. It belongs into main, before
// anything else has used Cocoa.
func run(l life) {
	quitOnSignals(func() { // nobody is there to be asked, and an open sheet would keep Cocoa from ending
		l.quit()
		os.Exit(0)
	})
	objc.WithAutoreleasePool(func() {
		application := appkit.Application_SharedApplication()
		application.SetActivationPolicy(appkit.ApplicationActivationPolicyRegular)
		application.SetDelegate(newApplicationDelegate(application, l))
		application.Run()
	})
}

func newApplicationDelegate(application appkit.Application, l life) *appkit.ApplicationDelegate {
	delegate := &appkit.ApplicationDelegate{}
	delegate.SetApplicationDidFinishLaunching(func(foundation.Notification) {
		l.launched(application)
		application.ActivateIgnoringOtherApps(true)
	})
	delegate.SetApplicationShouldTerminate(func(appkit.Application) appkit.ApplicationTerminateReply {
		if l.mayQuit() {
			return appkit.TerminateNow
		}
		return appkit.TerminateCancel
	})
	delegate.SetApplicationWillTerminate(func(foundation.Notification) { l.quit() })
	delegate.SetApplicationShouldTerminateAfterLastWindowClosed(func(appkit.Application) bool { return true })
	return delegate
}

// quitOnSignals takes the signals that ask the program to end, before Cocoa could, and quits as the menu does. The
// goroutine lives as long as the process.
func quitOnSignals(quit func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for range signals {
			onMain(quit)
		}
	}()
}
