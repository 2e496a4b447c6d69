/* The delegates' protocols once more, as DKShim…, with every method required: see runtime.m. The headers themselves are
   read under other names. A class has to adopt them, or the runtime never hears of them. */
#define optional required
#define NSApplicationDelegate DKShimNSApplicationDelegate
#define NSControlTextEditingDelegate DKShimNSControlTextEditingDelegate
#define NSMenuDelegate DKShimNSMenuDelegate
#define NSOpenSavePanelDelegate DKShimNSOpenSavePanelDelegate
#define NSTableViewDataSource DKShimNSTableViewDataSource
#define NSTableViewDelegate DKShimNSTableViewDelegate
#define NSTextFieldDelegate DKShimNSTextFieldDelegate
#define NSTextViewDelegate DKShimNSTextViewDelegate
#define NSWindowDelegate DKShimNSWindowDelegate
#import <AppKit/AppKit.h>

/* This one GNUstep has as a category only. NSTextView's delegate is set by darwinkit as an NSText's. */
@protocol DKShimNSTextDelegate <NSObject>
- (BOOL) textShouldBeginEditing: (NSText *)text;
- (BOOL) textShouldEndEditing: (NSText *)text;
- (void) textDidBeginEditing: (NSNotification *)notification;
- (void) textDidEndEditing: (NSNotification *)notification;
- (void) textDidChange: (NSNotification *)notification;
@end

@interface DKShimProtocols
	: NSObject <NSApplicationDelegate, NSControlTextEditingDelegate, NSMenuDelegate, NSOpenSavePanelDelegate,
		    NSTableViewDataSource, NSTableViewDelegate, NSTextFieldDelegate, NSTextViewDelegate, NSWindowDelegate,
		    DKShimNSTextDelegate>
@end
@implementation DKShimProtocols
@end
