/* A window with one file in it, to be dragged to another program's window: what the Finder is on a Mac. The file is the
   one that $FILE names. It says "ready" when the file can be taken, at the point (60, 1060) of the display. In
   Objective-C, as GNUstep means it: it is what our Go is tried with. */
#import <AppKit/AppKit.h>

@interface File : NSView
@end

@implementation File
- (BOOL) acceptsFirstMouse: (NSEvent *)event { return YES; }
- (void) mouseDown: (NSEvent *)event {
  NSString *path = [NSString stringWithUTF8String: getenv("FILE")];
  [self dragFile: path fromRect: [self bounds] slideBack: NO event: event];
}
@end

@interface Finder : NSObject
@end

@implementation Finder
- (void) applicationDidFinishLaunching: (NSNotification *)note {
  NSRect frame = NSMakeRect(10, 10, 100, 100);
  NSWindow *window = [[NSWindow alloc] initWithContentRect: frame styleMask: NSBorderlessWindowMask
                                                   backing: NSBackingStoreBuffered defer: NO];
  [window setContentView: [[File alloc] initWithFrame: frame]];
  [window orderFront: nil];
  puts("ready");
  fflush(stdout);
}
@end

int main(void) {
  [NSAutoreleasePool new];
  [[NSApplication sharedApplication] setDelegate: (id)[Finder new]];
  [NSApp run];
}
