/* undo.c - undoes what a case has changed outside of its own folder. */
#include "undo.h"
#include "lease.h"
#include "path.h"
#include "undostore.h"

#include <stdlib.h>
#include <wchar.h>

HKEY UndoRoot(DWORD Root) { return Root == 0 ? HKEY_LOCAL_MACHINE : HKEY_USERS; }

static UNDO_ENTRY *NewEntry(UNDO_KIND Kind, const wchar_t *Path)
{
    UNDO_ENTRY *entry = wcslen(Path) < UNDO_TEXT_CHARS ? calloc(1, sizeof *entry) : NULL;

    if (entry != NULL) {
        entry->Kind = Kind;
        wcscpy(entry->Path, Path);
    }
    return entry;
}

static void FreeEntry(UNDO_ENTRY *Entry)
{
    if (Entry != NULL)
        free(Entry->Old);
    free(Entry);
}

/* ---- files ---- */

DWORD UndoMakeFolders(const wchar_t *Journal, const wchar_t *Path)
{
    wchar_t *folder = PathWithSuffix(Path, L""), *end;
    DWORD error = folder != NULL ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY, number;

    end = folder != NULL ? folder + PATH_PREFIX_CHARS + 3 : NULL;
    while (error == ERROR_SUCCESS && (end = wcschr(end, L'\\')) != NULL) {
        *end = L'\0';
        if (GetFileAttributesW(folder) == INVALID_FILE_ATTRIBUTES) {
            UNDO_ENTRY *entry = NewEntry(UNDO_FOLDER, folder);

            error = entry != NULL ? UndoStoreAdd(Journal, entry, &number) : ERROR_NOT_ENOUGH_MEMORY;
            FreeEntry(entry);
            if (error == ERROR_SUCCESS && !CreateDirectoryW(folder, NULL))
                error = GetLastError();
        }
        *end++ = L'\\';
    }
    free(folder);
    return error;
}

/* The file that is there is kept aside. It is moved once that is noted: of a note alone nothing comes. */
static DWORD KeepAside(UNDO_ENTRY *Entry, const wchar_t *Journal)
{
    DWORD number, error = UndoStorePlace(Entry->Saved);

    if (error == ERROR_SUCCESS)
        error = UndoStoreAdd(Journal, Entry, &number);
    if (error == ERROR_SUCCESS && !MoveFileExW(Entry->Path, Entry->Saved, MOVEFILE_COPY_ALLOWED)) {
        error = GetLastError();
        UndoStoreDrop(number);
    }
    return error;
}

DWORD UndoMakeRoom(const wchar_t *Journal, const wchar_t *Path, BOOL Replace)
{
    DWORD attributes = GetFileAttributesW(Path), number, error;
    BOOL there = attributes != INVALID_FILE_ATTRIBUTES;
    UNDO_ENTRY *entry;

    if (there && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return ERROR_DIRECTORY;
    if (there && !Replace)
        return ERROR_FILE_EXISTS;
    error = UndoMakeFolders(Journal, Path);
    if (error != ERROR_SUCCESS)
        return error;
    entry = NewEntry(UNDO_FILE, Path);
    if (entry == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    error = there ? KeepAside(entry, Journal) : UndoStoreAdd(Journal, entry, &number);
    FreeEntry(entry);
    return error;
}

/* Deletes what the case has put there, and puts back what was there before. */
static BOOL UndoFile(const UNDO_ENTRY *Entry)
{
    BOOL kept = Entry->Saved[0] != L'\0';
    DWORD attributes = GetFileAttributesW(Entry->Path);

    if (kept && GetFileAttributesW(Entry->Saved) == INVALID_FILE_ATTRIBUTES)
        return TRUE; /* it was never moved */
    if (attributes != INVALID_FILE_ATTRIBUTES) {
        if ((attributes & FILE_ATTRIBUTE_READONLY) != 0)
            (void)SetFileAttributesW(Entry->Path, FILE_ATTRIBUTE_NORMAL);
        if (!DeleteFileW(Entry->Path))
            return FALSE;
    }
    return !kept || MoveFileExW(Entry->Saved, Entry->Path, MOVEFILE_COPY_ALLOWED);
}

/* A folder in which something else is by now is not this case's alone: it stays. */
static BOOL UndoFolder(const UNDO_ENTRY *Entry)
{
    DWORD error = RemoveDirectoryW(Entry->Path) ? ERROR_SUCCESS : GetLastError();

    return error != ERROR_SHARING_VIOLATION && error != ERROR_ACCESS_DENIED;
}

/* ---- the registry ---- */

/* The first part of the key that is not there, with all that is below it, goes again. */
static DWORD NoteKey(const wchar_t *Journal, DWORD Root, const wchar_t *Key)
{
    UNDO_ENTRY *entry = NewEntry(UNDO_KEY, Key);
    DWORD error = ERROR_SUCCESS, number;
    wchar_t *end;

    if (entry == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    entry->Root = Root;
    end = entry->Path;
    for (BOOL last = FALSE; !last;) {
        HKEY opened = NULL;

        end = wcschr(end, L'\\');
        last = end == NULL;
        if (!last)
            *end = L'\0';
        if (RegOpenKeyExW(UndoRoot(Root), entry->Path, 0, KEY_READ, &opened) == ERROR_FILE_NOT_FOUND) {
            error = UndoStoreAdd(Journal, entry, &number);
            break;
        }
        if (opened != NULL) /* it may be there, and be closed to us */
            RegCloseKey(opened);
        if (!last)
            *end++ = L'\\';
    }
    FreeEntry(entry);
    return error;
}

/* Reads the value that is there, if one is. */
static DWORD ReadOld(HKEY Key, const wchar_t *Name, UNDO_ENTRY *Entry)
{
    DWORD error = UndoReadValue(Key, Name, Entry);

    Entry->Had = error == ERROR_SUCCESS;
    return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

DWORD UndoNoteValue(const wchar_t *Journal, DWORD Root, const wchar_t *Key, const wchar_t *Name)
{
    UNDO_ENTRY *entry = NewEntry(UNDO_VALUE, Key);
    DWORD error = ERROR_NOT_ENOUGH_MEMORY, number;
    HKEY opened;

    if (entry == NULL || wcslen(Name) >= UNDO_TEXT_CHARS) {
        FreeEntry(entry);
        return error;
    }
    entry->Root = Root;
    wcscpy(entry->Name, Name);
    error = (DWORD)RegOpenKeyExW(UndoRoot(Root), Key, 0, KEY_QUERY_VALUE, &opened);
    if (error == ERROR_SUCCESS) {
        error = ReadOld(opened, Name, entry);
        RegCloseKey(opened);
        if (error == ERROR_SUCCESS)
            error = UndoStoreAdd(Journal, entry, &number);
    } else if (error == ERROR_FILE_NOT_FOUND) {
        error = NoteKey(Journal, Root, Key); /* with the key goes the value */
    }
    FreeEntry(entry);
    return error;
}

static BOOL UndoValue(const UNDO_ENTRY *Entry)
{
    HKEY key;
    DWORD error;

    if (!Entry->Had) {
        error = (DWORD)RegDeleteKeyValueW(UndoRoot(Entry->Root), Entry->Path, Entry->Name);
        return error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND;
    }
    if (Entry->Old == NULL || RegCreateKeyExW(UndoRoot(Entry->Root), Entry->Path, 0, NULL, 0, KEY_SET_VALUE,
                                              NULL, &key, NULL) != ERROR_SUCCESS)
        return FALSE;
    error = (DWORD)RegSetValueExW(key, Entry->Name, 0, Entry->OldType, Entry->Old, Entry->OldBytes);
    RegCloseKey(key);
    return error == ERROR_SUCCESS;
}

static BOOL UndoKey(const UNDO_ENTRY *Entry)
{
    DWORD error = (DWORD)RegDeleteTreeW(UndoRoot(Entry->Root), Entry->Path);

    return error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND;
}

/* ---- all of it ---- */

static BOOL UndoOne(const UNDO_ENTRY *Entry)
{
    switch (Entry->Kind) {
    case UNDO_FILE: return UndoFile(Entry);
    case UNDO_FOLDER: return UndoFolder(Entry);
    case UNDO_VALUE: return UndoValue(Entry);
    case UNDO_KEY: return UndoKey(Entry);
    default: return TRUE; /* of another agent, and of no meaning */
    }
}

DWORD UndoMark(void) { return UndoStoreLast(); }

static UINT32 UndoNewer(DWORD Mark, BOOL Tell)
{
    UINT32 left = 0;
    UNDO_ENTRY *entry = calloc(1, sizeof *entry);
    DWORD number, below = MAXDWORD;

    while (entry != NULL && below > Mark + 1 && UndoStoreNewest(below, &number, entry)) {
        if (number <= Mark)
            ; /* it was noted before, and stays */
        else if (UndoOne(entry))
            UndoStoreDrop(number);
        else if (!Tell || UndoStoreTell(number))
            left++;
        free(entry->Old);
        entry->Old = NULL;
        below = number;
    }
    FreeEntry(entry);
    return left;
}

UINT32 UndoSince(DWORD Mark) { return UndoNewer(Mark, TRUE); }

UINT32 UndoAll(void) { return UndoNewer(0, TRUE); }

void UndoSome(void) { (void)UndoNewer(0, FALSE); }

void UndoLeft(void)
{
    wchar_t journal[UNDO_TEXT_CHARS];

    UndoStoreJournal(journal);
    if (journal[0] != L'\0' && !LeaseRunLives(journal))
        (void)UndoAll();
}
