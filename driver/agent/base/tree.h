/* tree.h - removes a folder with all that is in it. */
#pragma once

#include <windows.h>

/* Removes the folder at a path as PathOpen gives it. A link is removed, and not followed. What can't be
 * removed stays. */
void TreeRemove(const wchar_t *Folder);
