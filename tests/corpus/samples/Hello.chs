module Hello where
#include "/samples/hello.h"
{#enum color as Color {upcaseFirstLetter} deriving (Show) #}
add = {#call pure add #}
