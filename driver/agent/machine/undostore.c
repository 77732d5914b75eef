/* undostore.c - keeps what is to be undone. Source: "Registry functions" in the Win32 reference. */
#include "undostore.h"
#include "path.h"

#include <stdlib.h>
#include <wchar.h>

/* Not below SOFTWARE\wskharness: that is volatile, and what is below such a key has to be, too. */
#define UNDO_KEY_PATH  L"SOFTWARE\\wskharness-undo"
#define UNDO_FOLDER_AT L"\\\\?\\C:\\wskharness\\undo\\"
#define UNDO_OLD_MAX   (1024u * 1024u)
#define NUMBER_DIGITS  8u

/* Eight hexadecimal digits, so that names are in the order of numbers. */
static void NumberName(DWORD Number, wchar_t Name[NUMBER_DIGITS + 1])
{
    for (unsigned i = 0; i < NUMBER_DIGITS; i++)
        Name[i] = L"0123456789abcdef"[Number >> 4 * (NUMBER_DIGITS - 1 - i) & 15];
    Name[NUMBER_DIGITS] = L'\0';
}

static DWORD OpenUndoStore(HKEY *Key)
{
    return (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, UNDO_KEY_PATH, 0, NULL, 0, KEY_READ | KEY_WRITE, NULL,
                                  Key, NULL);
}

static DWORD PutUndoNumber(HKEY Key, const wchar_t *Name, DWORD Number)
{
    return (DWORD)RegSetValueExW(Key, Name, 0, REG_DWORD, (const BYTE *)&Number, sizeof Number);
}

static DWORD PutUndoText(HKEY Key, const wchar_t *Name, const wchar_t *Text)
{
    return (DWORD)RegSetValueExW(Key, Name, 0, REG_SZ, (const BYTE *)Text,
                                 (DWORD)(wcslen(Text) + 1) * sizeof *Text);
}

static DWORD GetUndoNumber(HKEY Key, const wchar_t *Name)
{
    DWORD number = 0, bytes = sizeof number;

    (void)RegGetValueW(Key, NULL, Name, RRF_RT_REG_DWORD, NULL, &number, &bytes);
    return number;
}

static void GetUndoText(HKEY Key, const wchar_t *Name, wchar_t Text[UNDO_TEXT_CHARS])
{
    DWORD bytes = UNDO_TEXT_CHARS * sizeof *Text;

    if (RegGetValueW(Key, NULL, Name, RRF_RT_REG_SZ, NULL, Text, &bytes) != ERROR_SUCCESS)
        Text[0] = L'\0';
}

static DWORD PutEntry(HKEY Key, const UNDO_ENTRY *Entry)
{
    DWORD error = PutUndoNumber(Key, L"Kind", Entry->Kind);

    if (error == ERROR_SUCCESS)
        error = PutUndoNumber(Key, L"Root", Entry->Root);
    if (error == ERROR_SUCCESS)
        error = PutUndoText(Key, L"Path", Entry->Path);
    if (error == ERROR_SUCCESS)
        error = PutUndoText(Key, L"Name", Entry->Name);
    if (error == ERROR_SUCCESS)
        error = PutUndoText(Key, L"Saved", Entry->Saved);
    if (error == ERROR_SUCCESS)
        error = PutUndoNumber(Key, L"Had", Entry->Had);
    if (error == ERROR_SUCCESS && Entry->Had)
        error = (DWORD)RegSetValueExW(Key, L"Old", 0, Entry->OldType, Entry->Old, Entry->OldBytes);
    return error;
}

DWORD UndoStoreAdd(const wchar_t *Journal, const UNDO_ENTRY *Entry, DWORD *Number)
{
    wchar_t name[NUMBER_DIGITS + 1];
    HKEY store, key;
    DWORD error = OpenUndoStore(&store);

    if (error != ERROR_SUCCESS)
        return error;
    *Number = GetUndoNumber(store, L"Newest") + 1;
    NumberName(*Number, name);
    error = PutUndoText(store, L"Journal", Journal);
    if (error == ERROR_SUCCESS)
        error = PutUndoNumber(store, L"Newest", *Number);
    if (error == ERROR_SUCCESS)
        error = (DWORD)RegCreateKeyExW(store, name, 0, NULL, 0, KEY_WRITE, NULL, &key, NULL);
    if (error == ERROR_SUCCESS) {
        error = PutEntry(key, Entry);
        RegCloseKey(key);
    }
    if (error == ERROR_SUCCESS)
        error = (DWORD)RegFlushKey(store);
    RegCloseKey(store);
    return error;
}

DWORD UndoStorePlace(wchar_t Place[UNDO_TEXT_CHARS])
{
    HKEY store;
    DWORD error = OpenUndoStore(&store);

    if (error != ERROR_SUCCESS)
        return error;
    wcscpy(Place, UNDO_FOLDER_AT);
    NumberName(GetUndoNumber(store, L"Newest") + 1, Place + wcslen(Place));
    RegCloseKey(store);
    error = PathMakeFolders(Place);
    if (error == ERROR_SUCCESS && GetFileAttributesW(Place) != INVALID_FILE_ATTRIBUTES)
        error = ERROR_FILE_EXISTS;
    return error;
}

DWORD UndoReadValue(HKEY Key, const wchar_t *Name, UNDO_ENTRY *Entry)
{
    DWORD error = (DWORD)RegQueryValueExW(Key, Name, NULL, &Entry->OldType, NULL, &Entry->OldBytes);

    Entry->Old = NULL;
    if (error == ERROR_SUCCESS && Entry->OldBytes > UNDO_OLD_MAX)
        error = ERROR_FILE_TOO_LARGE;
    if (error != ERROR_SUCCESS)
        return error;
    Entry->Old = malloc(Entry->OldBytes != 0 ? Entry->OldBytes : 1);
    if (Entry->Old == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    error = (DWORD)RegQueryValueExW(Key, Name, NULL, &Entry->OldType, Entry->Old, &Entry->OldBytes);
    if (error != ERROR_SUCCESS) {
        free(Entry->Old);
        Entry->Old = NULL;
    }
    return error;
}

static void GetEntry(HKEY Key, UNDO_ENTRY *Entry)
{
    Entry->Kind = GetUndoNumber(Key, L"Kind");
    Entry->Root = GetUndoNumber(Key, L"Root");
    GetUndoText(Key, L"Path", Entry->Path);
    GetUndoText(Key, L"Name", Entry->Name);
    GetUndoText(Key, L"Saved", Entry->Saved);
    Entry->Had = GetUndoNumber(Key, L"Had");
    Entry->Old = NULL;
    if (Entry->Had)
        (void)UndoReadValue(Key, L"Old", Entry);
}

BOOL UndoStoreNewest(DWORD Below, DWORD *Number, UNDO_ENTRY *Entry)
{
    wchar_t name[NUMBER_DIGITS + 1];
    HKEY store, key;
    BOOL found = FALSE;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, UNDO_KEY_PATH, 0, KEY_READ, &store) != ERROR_SUCCESS)
        return FALSE;
    *Number = GetUndoNumber(store, L"Newest");
    if (*Number >= Below)
        *Number = Below - 1;
    for (; *Number != 0; --*Number) {
        NumberName(*Number, name);
        if (RegOpenKeyExW(store, name, 0, KEY_READ, &key) != ERROR_SUCCESS)
            continue;
        GetEntry(key, Entry);
        RegCloseKey(key);
        found = TRUE;
        break;
    }
    RegCloseKey(store);
    return found;
}

DWORD UndoStoreLast(void)
{
    HKEY store;
    DWORD last;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, UNDO_KEY_PATH, 0, KEY_READ, &store) != ERROR_SUCCESS)
        return 0;
    last = GetUndoNumber(store, L"Newest");
    RegCloseKey(store);
    return last;
}

void UndoStoreDrop(DWORD Number)
{
    wchar_t name[NUMBER_DIGITS + 1];
    DWORD entries = 0;
    HKEY store;

    NumberName(Number, name);
    if (OpenUndoStore(&store) != ERROR_SUCCESS)
        return;
    (void)RegDeleteTreeW(store, name);
    if (RegQueryInfoKeyW(store, NULL, NULL, NULL, &entries, NULL, NULL, NULL, NULL, NULL, NULL, NULL) ==
            ERROR_SUCCESS &&
        entries == 0) { /* numbers begin anew */
        (void)RegDeleteValueW(store, L"Newest");
        (void)RegDeleteValueW(store, L"Journal");
    }
    RegCloseKey(store);
}

BOOL UndoStoreTell(DWORD Number)
{
    wchar_t name[NUMBER_DIGITS + 1];
    HKEY store, key;
    BOOL first = TRUE;

    NumberName(Number, name);
    if (OpenUndoStore(&store) != ERROR_SUCCESS)
        return TRUE;
    if (RegOpenKeyExW(store, name, 0, KEY_READ | KEY_WRITE, &key) == ERROR_SUCCESS) {
        first = GetUndoNumber(key, L"Told") == 0;
        (void)PutUndoNumber(key, L"Told", 1);
        RegCloseKey(key);
    }
    RegCloseKey(store);
    return first;
}

void UndoStoreJournal(wchar_t Journal[UNDO_TEXT_CHARS])
{
    HKEY store;

    Journal[0] = L'\0';
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, UNDO_KEY_PATH, 0, KEY_READ, &store) != ERROR_SUCCESS)
        return;
    GetUndoText(store, L"Journal", Journal);
    RegCloseKey(store);
}
