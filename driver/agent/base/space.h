/* space.h - room on the volumes of the guest. */
#pragma once

#include "text.h"

/* Free bytes of the volume that Path is on, or would be: the nearest folder above it that is there counts. */
DWORD SpaceFree(const wchar_t *Path, UINT64 *Bytes);

/* Is it the error of a write that found no room? */
BOOL SpaceIsUp(DWORD Win32);

/* That the volume of Path is full, what it has free and what is needed, and what to do; added to Text. */
void TextAddSpace(TEXT *Text, const wchar_t *Path, UINT64 Needed);
