/* What Apple's <objc/runtime.h> has and GCC's has not, as far as darwinkit asks for it. */
#ifndef DKSHIM_OBJC_RUNTIME_H
#define DKSHIM_OBJC_RUNTIME_H

#include_next <objc/runtime.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef unsigned char Byte;

typedef uintptr_t objc_AssociationPolicy;
void objc_setAssociatedObject(id, const void *, id, objc_AssociationPolicy);
id objc_getAssociatedObject(id, const void *);
void objc_removeAssociatedObjects(id);

typedef struct {
  const char *name, *value;
} objc_property_attribute_t;
char *property_copyAttributeValue(objc_property_t, const char *);
objc_property_attribute_t *property_copyAttributeList(objc_property_t, unsigned int *);
BOOL class_addProperty(Class, const char *, const objc_property_attribute_t *, unsigned int);
void class_replaceProperty(Class, const char *, const objc_property_attribute_t *, unsigned int);

IMP imp_implementationWithBlock(id);
id imp_getBlock(IMP);
BOOL imp_removeBlock(IMP);

Protocol *objc_allocateProtocol(const char *);

/* These exist, but do other things than Apple's: ours stand before them. The shim itself calls the real ones. */
IMP dkshim_methodImplementation(Class, SEL);
Protocol *dkshim_protocol(const char *);
struct objc_method_description *dkshim_protocolMethods(Protocol *, BOOL required, BOOL instance, unsigned int *);
#ifndef DKSHIM
#define class_getMethodImplementation dkshim_methodImplementation
#define class_getMethodImplementation_stret dkshim_methodImplementation
#define objc_getProtocol dkshim_protocol
#define protocol_copyMethodDescriptionList dkshim_protocolMethods
#endif

#endif
