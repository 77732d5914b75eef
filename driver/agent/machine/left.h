/*
 * left.h - what of the harness's own is in the guest: services, devices, folders, certificates
 * (docs/protocol.md, "What is left").
 */
#pragma once

#include <windows.h>

#define LEFT_NAME_CHARS 260u
#define LEFT_KEY_CHARS  400u

/* Where each kind is, below HKEY_LOCAL_MACHINE. */
#define LEFT_SERVICES L"SYSTEM\\CurrentControlSet\\Services"
#define LEFT_DEVICES  L"SYSTEM\\CurrentControlSet\\Enum"
#define LEFT_STORES   L"SOFTWARE\\Microsoft\\SystemCertificates"

/* Is it a service whose program is in C:\wskharness, or the one of this name (NULL: none), where that is a
 * kernel driver? */
BOOL LeftIsService(const wchar_t *Name, const wchar_t *Driver);

/* Is it a device of the machine's own, such as "ROOT\X\0000", that such a service drives? */
BOOL LeftIsDevice(const wchar_t *Id, const wchar_t *Driver);

/* The key of a certificate, "ROOT\<40 digits>" or "TrustedPublisher\<40 digits>"; FALSE for any other name.
 */
BOOL LeftCertificateKey(const wchar_t *Name, wchar_t Key[LEFT_KEY_CHARS]);

/* Is the key there, below HKEY_LOCAL_MACHINE? */
BOOL LeftHasKey(const wchar_t *Key);
