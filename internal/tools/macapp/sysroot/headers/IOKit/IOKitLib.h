// IOKit: how go-m1cpu asks for the processor's clock.
#pragma once

#include <CoreFoundation/CoreFoundation.h>
#include <mach/mach.h>

typedef mach_port_t io_object_t;
typedef io_object_t io_iterator_t;
typedef io_object_t io_registry_entry_t;
typedef char io_name_t[128];
typedef UInt32 IOOptionBits;

extern const mach_port_t kIOMainPortDefault;
CFMutableDictionaryRef IOServiceMatching(const char *class_name);
kern_return_t IOServiceGetMatchingServices(mach_port_t, CFDictionaryRef matching, io_iterator_t *);
io_object_t IOIteratorNext(io_iterator_t);
kern_return_t IOObjectGetClass(io_object_t, io_name_t);
kern_return_t IOObjectRelease(io_object_t);
kern_return_t IORegistryEntryGetName(io_registry_entry_t, io_name_t);
CFTypeRef IORegistryEntryCreateCFProperty(io_registry_entry_t, CFStringRef key, CFAllocatorRef, IOOptionBits);
