/* Associated objects: what darwinkit hangs its targets and delegates on. A table of lists, one list an object, emptied
   when the object goes. */
#define DKSHIM
#import <Foundation/Foundation.h>
#import <objc/runtime.h>
#import <pthread.h>

typedef struct Association {
  const void *key;
  id value;
  BOOL owned;
  struct Association *next;
} Association;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static NSMapTable *lists; /* object to Association */
static IMP originalDealloc;

static Association *take(id object) {
  pthread_mutex_lock(&lock);
  Association *list = lists ? NSMapGet(lists, object) : NULL;
  if (list) NSMapRemove(lists, object);
  pthread_mutex_unlock(&lock);
  return list;
}

/* Values are released without the lock: their dealloc comes here, too. */
void objc_removeAssociatedObjects(id object) {
  for (Association *next, *a = take(object); a; a = next) {
    next = a->next;
    if (a->owned) [a->value release];
    free(a);
  }
}

static void deallocWithAssociations(id self, SEL command) {
  objc_removeAssociatedObjects(self);
  ((void (*)(id, SEL))originalDealloc)(self, command);
}

static void setUp(void) {
  if (lists) return;
  lists = NSCreateMapTable(NSNonOwnedPointerMapKeyCallBacks, NSNonOwnedPointerMapValueCallBacks, 64);
  Method dealloc = class_getInstanceMethod([NSObject class], @selector(dealloc));
  originalDealloc = method_setImplementation(dealloc, (IMP)deallocWithAssociations);
}

/* The policies are Apple's: 0 assigns, bit 0 retains, bits 0 and 1 together copy. */
static id owned(id value, objc_AssociationPolicy policy) {
  if ((policy & 3) == 3) return [value copy];
  return policy ? [value retain] : value;
}

void objc_setAssociatedObject(id object, const void *key, id value, objc_AssociationPolicy policy) {
  Association *new = malloc(sizeof *new);
  *new = (Association){key, owned(value, policy), policy != 0, NULL};

  pthread_mutex_lock(&lock);
  setUp();
  Association *list = NSMapGet(lists, object), **at = &list, *old;
  while (*at && (*at)->key != key) at = &(*at)->next;
  old = *at;
  if (old) *at = old->next;
  if (value) {
    new->next = list;
    list = new;
  }
  if (list) NSMapInsert(lists, object, list);
  else NSMapRemove(lists, object);
  pthread_mutex_unlock(&lock);

  if (!value) free(new);
  if (old && old->owned) [old->value release];
  free(old);
}

id objc_getAssociatedObject(id object, const void *key) {
  pthread_mutex_lock(&lock);
  Association *a = lists ? NSMapGet(lists, object) : NULL;
  while (a && a->key != key) a = a->next;
  id value = a ? a->value : nil;
  pthread_mutex_unlock(&lock);
  return value;
}
