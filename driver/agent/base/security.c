/* security.c - objects that only the system and administrators may touch. */
#include "security.h"

#include <sddl.h>

DWORD AdminOnlyInit(ADMIN_ONLY *Security)
{
    *Security = (ADMIN_ONLY){.Attributes = {.nLength = sizeof Security->Attributes}};
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            L"D:P(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)", SDDL_REVISION_1,
            &Security->Attributes.lpSecurityDescriptor, NULL))
        return GetLastError();
    return ERROR_SUCCESS;
}

void AdminOnlyFree(ADMIN_ONLY *Security)
{
    LocalFree(Security->Attributes.lpSecurityDescriptor);
    Security->Attributes.lpSecurityDescriptor = NULL;
}
