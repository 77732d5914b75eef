/* list.c - `list`: what is at a path and below it, one JSON line an entry, folders before what is in them. */
#include "commands.h"
#include "complain.h"
#include "options.h"
#include "path.h"
#include "stream.h"

#include <stdlib.h>
#include <wchar.h>

#define LIST_ENTRIES_MAX 100000u /* as many as the controller takes (guest/transfer/list.go) */
#define LIST_DEPTH_MAX   64u
#define NAME_CHARS_MAX   (sizeof((WIN32_FIND_DATAW *)0)->cFileName / sizeof(wchar_t))

/* Room for a folder that is as long as a path may be, and a name in it: it is told, and not entered. */
#define LIST_PATH_CHARS (PATH_PREFIX_CHARS + PATH_CHARS_MAX + 1u + NAME_CHARS_MAX)

typedef struct LIST {
    HANDLE Out;
    UINT64 Entries;
    unsigned Depth; /* how many folders deep to go from here */
    size_t Root;    /* where in Path the part begins that is told */
    size_t Length;
    wchar_t Path[LIST_PATH_CHARS + 1];
    size_t Held; /* bytes of lines that were not written yet */
    char Lines[64 * 1024];
} LIST;

static DWORD Flush(LIST *List)
{
    size_t held = List->Held;

    List->Held = 0;
    return WriteFully(List->Out, List->Lines, held);
}

static DWORD AddLine(LIST *List, TEXT *Line)
{
    DWORD error = ERROR_SUCCESS;

    JsonEnd(Line);
    TextAdd(Line, "\n");
    if (Line->Full)
        return ERROR_BUFFER_OVERFLOW;
    if (Line->Length > sizeof List->Lines - List->Held)
        error = Flush(List);
    memcpy(List->Lines + List->Held, Line->Data, Line->Length);
    List->Held += Line->Length;
    return error;
}

/* Tells of what is at List->Path. Key, where there is one, says how large it is or why it can't be had. */
static DWORD TellOf(LIST *List, const char *Kind, const char *Key, UINT64 Value)
{
    const wchar_t *told = List->Length > List->Root ? List->Path + List->Root : L"";
    char buffer[8 * 1024]; /* a path of only characters that are escaped fits */
    TEXT line;

    if (List->Entries == LIST_ENTRIES_MAX)
        return ERROR_TOO_MANY_NAMES;
    List->Entries++;
    TextInit(&line, buffer, sizeof buffer);
    JsonBegin(&line);
    JsonString(&line, "kind", Kind);
    JsonWide(&line, "path", told);
    if (Key != NULL)
        JsonU64(&line, Key, Value);
    return AddLine(List, &line);
}

static DWORD TellEnd(LIST *List)
{
    char buffer[64];
    DWORD error;
    TEXT line;

    TextInit(&line, buffer, sizeof buffer);
    JsonBegin(&line);
    JsonString(&line, "kind", "end");
    JsonU64(&line, "entries", List->Entries);
    error = AddLine(List, &line);
    return error == ERROR_SUCCESS ? Flush(List) : error;
}

/* Appends "\Name" to the path. There is room: see LIST_PATH_CHARS, and Enter. */
static void Append(LIST *List, const wchar_t *Name)
{
    size_t length = wcslen(Name);

    List->Path[List->Length++] = L'\\';
    memcpy(List->Path + List->Length, Name, (length + 1) * sizeof *Name);
    List->Length += length;
}

static void CutTo(LIST *List, size_t Length)
{
    List->Length = Length;
    List->Path[Length] = L'\0';
}

/* A link to something elsewhere: a symbolic link or a junction, not a file that is stored in a special way.
 */
static BOOL IsLink(const WIN32_FIND_DATAW *Found)
{
    return (Found->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
           (Found->dwReserved0 & 0x20000000u) != 0; /* IsReparseTagNameSurrogate */
}

static DWORD Walk(LIST *List);

/* Tells of the folder at List->Path, and of what is in it unless that is too deep or too long. */
static DWORD Enter(LIST *List)
{
    DWORD error;

    if (List->Depth == 0 || List->Length - PATH_PREFIX_CHARS > PATH_CHARS_MAX)
        return TellOf(List, "unreadable", "win32", ERROR_FILENAME_EXCED_RANGE);
    error = TellOf(List, "folder", NULL, 0);
    if (error != ERROR_SUCCESS)
        return error;
    List->Depth--;
    error = Walk(List);
    List->Depth++;
    return error;
}

/* Is a name Unicode? NTFS takes any batches, half a pair of surrogates among them, for which UTF-8 has
 * nothing.
 */
static BOOL IsUnicode(const wchar_t *Name)
{
    return WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, Name, -1, NULL, 0, NULL, NULL) != 0;
}

static DWORD TellFound(LIST *List, const WIN32_FIND_DATAW *Found)
{
    UINT64 size = (UINT64)Found->nFileSizeHigh << 32 | Found->nFileSizeLow;

    if (!IsUnicode(Found->cFileName))
        return TellOf(List, "unreadable", "win32", ERROR_NO_UNICODE_TRANSLATION);
    if (IsLink(Found))
        return TellOf(List, "link", NULL, 0);
    if ((Found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return Enter(List);
    if (List->Length - PATH_PREFIX_CHARS > PATH_CHARS_MAX)
        return TellOf(List, "unreadable", "win32", ERROR_FILENAME_EXCED_RANGE);
    return TellOf(List, "file", "size", size);
}

/* Everything in the folder at List->Path, which is left as it was. One that can't be read is told as such. */
static DWORD Walk(LIST *List)
{
    WIN32_FIND_DATAW found;
    size_t folder = List->Length;
    DWORD error = ERROR_SUCCESS;
    HANDLE search;

    Append(List, L"*");
    search = FindFirstFileW(List->Path, &found);
    CutTo(List, folder);
    if (search == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : TellOf(List, "unreadable", "win32", error);
    }
    do {
        if (wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0)
            continue;
        Append(List, found.cFileName);
        error = TellFound(List, &found);
        CutTo(List, folder);
        if (error != ERROR_SUCCESS)
            goto Exit;
    } while (FindNextFileW(search, &found));
    if (GetLastError() != ERROR_NO_MORE_FILES)
        error = TellOf(List, "unreadable", "win32", GetLastError());

Exit:
    FindClose(search);
    return error;
}

/* Tells of the path that was asked for. A link there is followed: it was named. */
static DWORD TellRoot(LIST *List)
{
    BY_HANDLE_FILE_INFORMATION information;
    DWORD error = ERROR_SUCCESS;
    HANDLE file =
        CreateFileW(List->Path, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);

    if (file == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND
                   ? TellOf(List, "absent", NULL, 0)
                   : error;
    }
    if (!GetFileInformationByHandle(file, &information))
        error = GetLastError();
    CloseHandle(file);
    if (error != ERROR_SUCCESS)
        return error;
    if ((information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        return TellOf(List, "file", "size",
                      (UINT64)information.nFileSizeHigh << 32 | information.nFileSizeLow);
    return List->Depth == 0 ? TellOf(List, "folder", NULL, 0) : Enter(List);
}

int CommandList(int Argc, wchar_t **Argv)
{
    const wchar_t *pathText = NULL;
    BOOL itself = FALSE;
    const OPTION options[] = {
        {.Name = L"--itself", .Given = &itself},
        {.Name = NULL, .Value = &pathText},
    };
    wchar_t *path;
    LIST *list;
    DWORD error;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || pathText == NULL)
        return EXIT_USAGE;
    path = PathOpen(pathText, &error);
    if (path == NULL)
        return Complain("list", pathText, error);
    list = calloc(1, sizeof *list);
    if (list == NULL) {
        error = ERROR_NOT_ENOUGH_MEMORY;
        goto Exit;
    }
    list->Out = GetStdHandle(STD_OUTPUT_HANDLE);
    list->Depth = itself ? 0 : LIST_DEPTH_MAX;
    list->Length = wcslen(path); /* PathOpen has bounded it */
    memcpy(list->Path, path, (list->Length + 1) * sizeof *path);
    list->Root = list->Length + 1;
    error = TellRoot(list);
    if (error == ERROR_SUCCESS)
        error = TellEnd(list);

Exit:
    free(list);
    free(path);
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("list", pathText, error);
}
