/*
 * path.h - the only paths that the agent touches: absolute, on a drive, of plain components.
 *
 * Nothing relative, no "." or "..", no ":" beyond the drive (alternate streams), no device names, no
 * wildcards, no trailing dots or blanks (Windows would strip them and open another file).
 */
#pragma once

#include <windows.h>

#define PATH_PREFIX       L"\\\\?\\"
#define PATH_PREFIX_CHARS 4u
#define PATH_CHARS_MAX    1000u /* without the prefix */

/*
 * Checks Path and gives it as "\\?\C:\…", which the system takes literally and at any length. '/' is
 * taken for '\'. Returns NULL, with the reason in *Error, for a path that is refused. To be freed.
 */
_Must_inspect_result_ wchar_t *PathOpen(const wchar_t *Path, DWORD *Error);
_Must_inspect_result_ wchar_t *PathOpenUtf8(const char *Path, size_t Bytes, DWORD *Error);

/* The path without the prefix: for service managers and people. */
const wchar_t *PathPlain(const wchar_t *Opened);

/* Path with Suffix behind it; NULL without memory. To be freed. */
_Must_inspect_result_ wchar_t *PathWithSuffix(const wchar_t *Opened, const wchar_t *Suffix);

/* Folder and Name with a backslash between, to be freed; NULL without memory. */
_Must_inspect_result_ wchar_t *PathJoin(const wchar_t *Folder, const wchar_t *Name);

/*
 * Makes the folders that a file at this path needs. A C:\wskharness that it makes is for
 * administrators and the system alone, since what is in there runs as the system.
 */
_Must_inspect_result_ DWORD PathMakeFolders(const wchar_t *Opened);
