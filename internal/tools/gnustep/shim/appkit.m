/* AppKit that is newer than gnustep-gui 0.29, as far as our views ask for it. Each method does what Apple documents, or
   says here what it leaves out; one that did nothing would hide a hole, so there is none. */
#define DKSHIM
#import <AppKit/AppKit.h>
#import <objc/runtime.h>
#import <errno.h>
#import <stdio.h>

static NSButton *newButton(Class class, NSButtonType type, NSString *title, id target, SEL action) {
  NSButton *button = [[[class alloc] initWithFrame: NSZeroRect] autorelease];
  [button setButtonType: type];
  [button setTitle: title];
  [button setTarget: target];
  [button setAction: action];
  return button;
}

@implementation NSButton (DKShim)
+ (NSButton *) buttonWithTitle: (NSString *)title target: (id)target action: (SEL)action {
  NSButton *button = newButton(self, NSMomentaryPushInButton, title, target, action);
  [button setBezelStyle: NSRoundedBezelStyle];
  [button sizeToFit];
  return button;
}
+ (NSButton *) checkboxWithTitle: (NSString *)title target: (id)target action: (SEL)action {
  NSButton *button = newButton(self, NSSwitchButton, title, target, action);
  [button sizeToFit];
  return button;
}
+ (NSButton *) radioButtonWithTitle: (NSString *)title target: (id)target action: (SEL)action {
  NSButton *button = newButton(self, NSRadioButton, title, target, action);
  [button sizeToFit];
  return button;
}
@end

@implementation NSTextField (DKShim)
+ (NSTextField *) labelWithString: (NSString *)text {
  NSTextField *label = [[[self alloc] initWithFrame: NSZeroRect] autorelease];
  [label setStringValue: text];
  [label setEditable: NO];
  [label setSelectable: NO];
  [label setBezeled: NO];
  [label setDrawsBackground: NO];
  [label sizeToFit];
  return label;
}
+ (NSTextField *) wrappingLabelWithString: (NSString *)text {
  NSTextField *label = [self labelWithString: text];
  [label setSelectable: YES];
  [[label cell] setWraps: YES];
  return label;
}
- (NSString *) placeholderString { return [[self cell] placeholderString]; }
- (void) setPlaceholderString: (NSString *)text { [[self cell] setPlaceholderString: text]; }
@end

@implementation NSTextContainer (DKShim)
- (NSSize) size { return [self containerSize]; }
- (void) setSize: (NSSize)size { [self setContainerSize: size]; }
@end

/* All tables look alike here: plain ones. */
@implementation NSTableView (DKShim)
- (NSInteger) style { return 4; }
- (void) setStyle: (NSInteger)style {}
@end

@implementation NSTableColumn (DKShim)
- (NSString *) title { return [[self headerCell] stringValue]; }
- (void) setTitle: (NSString *)title { [[self headerCell] setStringValue: title]; }
@end

/* Fonts of a weight come in two: regular, and bold from medium (0.23) on. */
@implementation NSFont (DKShim)
+ (NSFont *) systemFontOfSize: (CGFloat)size weight: (CGFloat)weight {
  return weight >= 0.23 ? [self boldSystemFontOfSize: size] : [self systemFontOfSize: size];
}
+ (NSFont *) monospacedSystemFontOfSize: (CGFloat)size weight: (CGFloat)weight { return [self userFixedPitchFontOfSize: size]; }
+ (NSFont *) monospacedDigitSystemFontOfSize: (CGFloat)size weight: (CGFloat)weight {
  return [self systemFontOfSize: size weight: weight];
}
@end

/* Kept and given back, for tests: nobody here reads them aloud. */
static const char labelKey, identifierKey, helpKey;
@implementation NSView (DKShimAccessibility)
- (NSString *) accessibilityLabel { return objc_getAssociatedObject(self, &labelKey); }
- (void) setAccessibilityLabel: (NSString *)text { objc_setAssociatedObject(self, &labelKey, text, 3); }
- (NSString *) accessibilityIdentifier { return objc_getAssociatedObject(self, &identifierKey); }
- (void) setAccessibilityIdentifier: (NSString *)text { objc_setAssociatedObject(self, &identifierKey, text, 3); }
- (NSString *) accessibilityHelp { return objc_getAssociatedObject(self, &helpKey); }
- (void) setAccessibilityHelp: (NSString *)text { objc_setAssociatedObject(self, &helpKey, text, 3); }
@end

@implementation NSColor (DKShim)
+ (NSColor *) controlAccentColor { return [self selectedControlColor]; }
+ (NSColor *) separatorColor { return [self controlShadowColor]; }
@end

@implementation NSTextField (DKShimLines)
- (BOOL) usesSingleLineMode { return [[self cell] usesSingleLineMode]; }
- (void) setUsesSingleLineMode: (BOOL)flag { [[self cell] setUsesSingleLineMode: flag]; }
- (NSLineBreakMode) lineBreakMode { return [[self cell] lineBreakMode]; }
- (void) setLineBreakMode: (NSLineBreakMode)mode { [[self cell] setLineBreakMode: mode]; }
@end

/* What follows the program's name is Go's. GNUstep would open it as documents, or ask who can. */
@implementation NSProcessInfo (DKShim)
- (NSArray *) arguments { return [NSArray arrayWithObject: [self processName]]; }
@end

/* Kept and given back: GNUstep's buttons look the same whatever they destroy. */
static const char destructiveKey;
@implementation NSButton (DKShimDestructive)
- (BOOL) hasDestructiveAction { return [objc_getAssociatedObject(self, &destructiveKey) boolValue]; }
- (void) setHasDestructiveAction: (BOOL)flag {
  objc_setAssociatedObject(self, &destructiveKey, [NSNumber numberWithBool: flag], 1);
}
@end

/* X11 has no Dock: every application is a regular one. */
@implementation NSApplication (DKShim)
- (NSInteger) activationPolicy { return 0; }
- (BOOL) setActivationPolicy: (NSInteger)policy { return policy == 0; }
@end

@implementation NSWorkspace (DKShim)
- (void) activateFileViewerSelectingURLs: (NSArray *)urls {
  for (NSUInteger i = 0; i < [urls count]; i++) [self selectFile: [[urls objectAtIndex: i] path] inFileViewerRootedAtPath: @""];
}
@end

/* Apple's sheet lets the caller go on at once; this one returns when it is answered. */
@implementation NSAlert (DKShim)
- (void) beginSheetModalForWindow: (NSWindow *)window completionHandler: (void (^)(NSInteger))handler {
  NSInteger answer = [self runModal];
  if (handler) handler(answer);
}
@end

/* The Trash is the desktop's, $XDG_DATA_HOME/Trash: the file, and beside it where it was. A file on another disk is
   refused, as the desktop wants a Trash on that disk then. */
@implementation NSFileManager (DKShim)
- (BOOL) trashItemAtURL: (NSURL *)url resultingItemURL: (NSURL **)result error: (NSError **)error {
  NSString *data = [[[NSProcessInfo processInfo] environment] objectForKey: @"XDG_DATA_HOME"];
  if (![data length])
    data = [NSHomeDirectory() stringByAppendingPathComponent: @".local/share"];
  NSString *files = [data stringByAppendingPathComponent: @"Trash/files"], *info = [data stringByAppendingPathComponent: @"Trash/info"];
  for (NSString *folder in @[files, info])
    if (![self createDirectoryAtPath: folder withIntermediateDirectories: YES attributes: nil error: error])
      return NO;
  NSString *name = [[url path] lastPathComponent], *free = name;
  for (int i = 2; [self fileExistsAtPath: [files stringByAppendingPathComponent: free]]; i++)
    free = [NSString stringWithFormat: @"%@ %d.%@", [name stringByDeletingPathExtension], i, [name pathExtension]];
  NSString *note = [NSString stringWithFormat: @"[Trash Info]\nPath=%@\nDeletionDate=%@\n",
    [[url path] stringByAddingPercentEscapesUsingEncoding: NSUTF8StringEncoding],
    [[NSDate date] descriptionWithCalendarFormat: @"%Y-%m-%dT%H:%M:%S" timeZone: nil locale: nil]];
  NSString *noted = [info stringByAppendingPathComponent: [free stringByAppendingString: @".trashinfo"]];
  NSString *to = [files stringByAppendingPathComponent: free];
  if (![note writeToFile: noted atomically: YES encoding: NSUTF8StringEncoding error: error])
    return NO;
  if (rename([[url path] fileSystemRepresentation], [to fileSystemRepresentation]) != 0) {
    [self removeItemAtPath: noted error: NULL];
    if (error)
      *error = [NSError errorWithDomain: NSPOSIXErrorDomain code: errno userInfo: nil];
    return NO;
  }
  if (result)
    *result = [NSURL fileURLWithPath: to];
  return YES;
}
@end
