/* What Apple's Objective-C runtime offers and GCC's does not: methods that are not there, optional methods of
   protocols, blocks as objects. */
#define DKSHIM
#import <Foundation/Foundation.h>
#import <objc/runtime.h>
#import <Block.h>
#import <pthread.h>
#import <signal.h>
#import <stdio.h>
#import <string.h>

/* darwinkit looks every method up and takes NULL for "answer zero". So a method that GNUstep lacks does nothing; that
   it was asked for is told once, so that tests can fail. */

enum { maxMissing = 4096 };
static pthread_mutex_t missingLock = PTHREAD_MUTEX_INITIALIZER;
static char *missing[maxMissing];
static int missingCount;

static BOOL isNews(const char *method) {
  for (int i = 0; i < missingCount; i++)
    if (strcmp(missing[i], method) == 0) return NO;
  if (missingCount < maxMissing) missing[missingCount++] = strdup(method);
  return YES;
}

static void report(const char *what) {
  pthread_mutex_lock(&missingLock);
  if (isNews(what)) fprintf(stderr, "dkshim: missing %s\n", what);
  pthread_mutex_unlock(&missingLock);
}

static void reportMissing(Class class, SEL selector) {
  char method[512];
  snprintf(method, sizeof method, "%c[%s %s]", class_isMetaClass(class) ? '+' : '-', class_getName(class), sel_getName(selector));
  report(method);
}

IMP dkshim_methodImplementation(Class class, SEL selector) {
  if (class == Nil) return NULL;
  if (class_respondsToSelector(class, selector)) return class_getMethodImplementation(class, selector);
  reportMissing(class, selector);
  return NULL;
}

/* GCC's runtime keeps no optional methods of a protocol, but delegates consist of them. protocols.m declares each
   delegate's protocol a second time, as DKShim…, with all methods required; here they are made optional again. */

static const char shadow[] = "DKShim";

Protocol *dkshim_protocol(const char *name) {
  char shadowName[256]; /* and then the report's text */
  snprintf(shadowName, sizeof shadowName, "%s%s", shadow, name);
  Protocol *found = objc_getProtocol(shadowName);
  if (!found) found = objc_getProtocol(name);
  if (found) return found;
  snprintf(shadowName, sizeof shadowName, "@protocol %s", name);
  report(shadowName);
  return objc_getProtocol("NSObject"); /* darwinkit would follow NULL; of this one it takes no method */
}

struct objc_method_description *dkshim_protocolMethods(Protocol *protocol, BOOL required, BOOL instance, unsigned int *count) {
  BOOL isShadow = protocol && strncmp(protocol_getName(protocol), shadow, strlen(shadow)) == 0;
  if (!isShadow) return protocol_copyMethodDescriptionList(protocol, required, instance, count);
  if (!required) return protocol_copyMethodDescriptionList(protocol, YES, instance, count);
  if (count) *count = 0;
  return NULL;
}

/* Nobody asks for these yet; who does must not get silence. */

#define NOT_OFFERED(result) report(__func__); return result

Protocol *objc_allocateProtocol(const char *name) { NOT_OFFERED(NULL); }
char *property_copyAttributeValue(objc_property_t p, const char *name) { NOT_OFFERED(NULL); }
objc_property_attribute_t *property_copyAttributeList(objc_property_t p, unsigned int *count) { *count = 0; NOT_OFFERED(NULL); }
BOOL class_addProperty(Class c, const char *name, const objc_property_attribute_t *a, unsigned int n) { NOT_OFFERED(NO); }
void class_replaceProperty(Class c, const char *name, const objc_property_attribute_t *a, unsigned int n) { NOT_OFFERED(); }
IMP imp_implementationWithBlock(id block) { NOT_OFFERED(NULL); }
id imp_getBlock(IMP imp) { NOT_OFFERED(nil); }
BOOL imp_removeBlock(IMP imp) { NOT_OFFERED(NO); }

/* darwinkit makes blocks of these two classes by hand, and gives them to an autorelease pool. */

#define BLOCK_CLASS(name) \
  @interface name : NSObject \
  @end \
  @implementation name \
  - (id) retain { return (id)Block_copy((void *)self); } \
  - (oneway void) release { Block_release((void *)self); } \
  - (id) copy { return (id)Block_copy((void *)self); } \
  - (id) copyWithZone: (NSZone *)zone { return (id)Block_copy((void *)self); } \
  @end
BLOCK_CLASS(__NSMallocBlock__)
BLOCK_CLASS(__NSGlobalBlock__)

/* GNUstep handles three signals, by signal(). SIGCHLD it takes without SA_ONSTACK: on a goroutine's small stack such a
   handler writes over other memory. On SIGTERM and SIGINT it quits within the handler, where Go can't be called; these
   stay with Go, as on a Mac. The loader finds this definition before libc's. */

typedef void (*handler)(int);

handler signal(int number, handler new) {
  if (number == SIGTERM || number == SIGINT) return SIG_DFL;
  struct sigaction action = {.sa_flags = SA_RESTART | SA_ONSTACK}, old;
  action.sa_handler = new;
  sigaddset(&action.sa_mask, number);
  return sigaction(number, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}
