/*
 * integrity.c - what of the machine's settings lets drivers load, or refuses them.
 *
 * Sources: "Deploy App Control policies using script" for the folder of policies and their files' names;
 * "System Store Locations" in the Win32 reference for where the stores of the machine are. The value of
 * Smart App Control is told by its users, not by Microsoft. On Wine, which refuses no driver, all of that
 * is read as well, and means nothing.
 */
#include "integrity.h"
#include "left.h"

#include <wchar.h>

#define POLICIES_MAX 64u
#define TRUSTED_MAX  64u
#define GUID_CHARS   36u
#define SHA1_CHARS   40u

#define POLICY_FILES L"C:\\Windows\\System32\\CodeIntegrity\\CiPolicies\\Active\\{*}.cip"
#define POLICY_STATE L"SYSTEM\\CurrentControlSet\\Control\\CI\\Policy"

/* The machine's stores: its own, those of its domain, and those of its policies. */
static const wchar_t *const StorePlaces[] = {
    LEFT_STORES,
    L"SOFTWARE\\Microsoft\\EnterpriseCertificates",
    L"SOFTWARE\\Policies\\Microsoft\\SystemCertificates",
};

/* Adds the policies of code integrity whose files are there, by their GUIDs. More than are told of are not
 * told at all: which one is missing would not be known. */
static void PolicyFacts(TEXT *Text)
{
    const TEXT before = *Text;
    WIN32_FIND_DATAW found;
    UINT32 count = 0;
    DWORD error;
    HANDLE search = FindFirstFileW(POLICY_FILES, &found);

    JsonBeginArray(Text, "policies");
    if (search == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
            error = ERROR_NO_MORE_FILES; /* a Windows that has no such folder has no such policies */
    } else {
        do {
            if (wcslen(found.cFileName) != GUID_CHARS + wcslen(L"{}.cip"))
                continue;
            if (count++ == POLICIES_MAX)
                break;
            found.cFileName[1 + GUID_CHARS] = L'\0';
            JsonWide(Text, NULL, found.cFileName + 1);
        } while (FindNextFileW(search, &found));
        error = count > POLICIES_MAX ? ERROR_MORE_DATA : GetLastError();
        FindClose(search);
    }
    JsonEndArray(Text);
    if (error != ERROR_NO_MORE_FILES) {
        *Text = before;
        Text->Data[Text->Length] = '\0';
        JsonNull(Text, "policies");
    }
}

static void SmartAppFact(TEXT *Text)
{
    DWORD state, size = sizeof state;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, POLICY_STATE, L"VerifiedAndReputablePolicyState", RRF_RT_REG_DWORD,
                     NULL, &state, &size) == ERROR_SUCCESS)
        JsonU64(Text, "smartAppControl", state);
    else
        JsonNull(Text, "smartAppControl");
}

/* Is the certificate in the root store, wherever that has it from? */
static BOOL IsRoot(const wchar_t *Thumbprint)
{
    wchar_t key[LEFT_KEY_CHARS];

    for (size_t i = 0; i < ARRAYSIZE(StorePlaces); i++) {
        wcscpy(key, StorePlaces[i]);
        wcscat(key, L"\\ROOT\\Certificates\\");
        wcscat(key, Thumbprint);
        if (LeftHasKey(key))
            return TRUE;
    }
    return FALSE;
}

/* Adds the publishers that are trusted and are roots: of publishers there are few on any machine. FALSE where
 * there are more than are told of. */
static BOOL AddTrusted(TEXT *Text, const wchar_t *Place, UINT32 *Count)
{
    wchar_t path[LEFT_KEY_CHARS], name[LEFT_NAME_CHARS];
    HKEY key;
    BOOL all = TRUE;

    wcscpy(path, Place);
    wcscat(path, L"\\TrustedPublisher\\Certificates");
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key) != ERROR_SUCCESS)
        return TRUE;
    for (DWORD i = 0; all; i++) {
        DWORD chars = ARRAYSIZE(name);

        if (RegEnumKeyExW(key, i, name, &chars, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
            break;
        if (chars != SHA1_CHARS || !IsRoot(name))
            continue;
        all = (*Count)++ < TRUSTED_MAX;
        JsonWide(Text, NULL, name);
    }
    RegCloseKey(key);
    return all;
}

static void TrustedFacts(TEXT *Text)
{
    const TEXT before = *Text;
    UINT32 count = 0;
    BOOL all = TRUE;

    JsonBeginArray(Text, "trusted");
    for (size_t i = 0; all && i < ARRAYSIZE(StorePlaces); i++)
        all = AddTrusted(Text, StorePlaces[i], &count);
    JsonEndArray(Text);
    if (!all) {
        *Text = before;
        Text->Data[Text->Length] = '\0';
        JsonNull(Text, "trusted");
    }
}

void IntegrityFacts(TEXT *Text)
{
    PolicyFacts(Text);
    SmartAppFact(Text);
    TrustedFacts(Text);
}
