/*
 * bootfile.h - the copy of a driver that starts with the boot loader.
 *
 * The loader knows no drive letter yet, so the copy is in System32\drivers. It has a name of its own for each
 * boot: nobody may write to the image of a driver that is loaded, nor delete it before the next boot.
 */
#pragma once

#include "bootid.h"

/* Where the copy is that was made in that boot for the next one. FALSE: its path would be too long. */
BOOL BootFilePath(const wchar_t *Service, const char *Boot, wchar_t Path[MAX_PATH]);

/* Makes it, and gives its path as the loader wants it. Returns a Win32 code. */
DWORD BootFileMake(const wchar_t *Service, const char *Boot, const wchar_t *Driver,
                   wchar_t ImagePath[MAX_PATH]);

/* Deletes every copy of the service's driver, whatever boot it was made in; what is in use goes with the
 * next. */
void BootFilesDelete(const wchar_t *Service);
