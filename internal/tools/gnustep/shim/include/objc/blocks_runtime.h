/* GNUstep's headers ask for libobjc2's name of it. */
#include <Block.h>
