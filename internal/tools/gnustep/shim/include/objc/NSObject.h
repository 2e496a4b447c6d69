/* Apple declares NSObject in the runtime, GNUstep in Foundation. */
#import <Foundation/NSObject.h>
#import <Foundation/NSAutoreleasePool.h>
