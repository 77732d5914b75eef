/* security.h - objects that only the system and administrators may touch. */
#pragma once

#include <windows.h>

typedef struct ADMIN_ONLY {
    SECURITY_ATTRIBUTES Attributes; /* for the create call */
} ADMIN_ONLY;

/* Full access for the system and administrators, inherited by what a folder will contain, none for others. */
_Must_inspect_result_ DWORD AdminOnlyInit(ADMIN_ONLY *Security);
void AdminOnlyFree(ADMIN_ONLY *Security);
