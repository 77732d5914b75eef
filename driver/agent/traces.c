/* traces.c - what crashes of this machine have left: its dumps, and whether there is an event log to ask. */
#include "traces.h"

#include <wchar.h>

#define DUMPS_MAX  64u  /* that are told of */
#define NAME_CHARS 120u /* of a dump; Windows names them by the date */

/* Where Windows puts them unless it is told otherwise. */
#define FOLDER       L"C:\\Windows\\"
#define EVENT_LOG    L"C:\\Windows\\System32\\winevt\\Logs\\System.evtx"
#define FOLDER_CHARS 32u

static void AddDump(TEXT *Text, const wchar_t *Folder, const WIN32_FIND_DATAW *Found)
{
    wchar_t path[FOLDER_CHARS + NAME_CHARS + 1];
    const FILETIME *written = &Found->ftLastWriteTime;

    wcscpy(path, Folder);
    wcscat(path, Found->cFileName);
    TextAdd(Text, Text->Data[Text->Length - 1] == '[' ? "{" : ",{");
    JsonWide(Text, "path", path);
    JsonU64(Text, "size", (UINT64)Found->nFileSizeHigh << 32 | Found->nFileSizeLow);
    JsonHex(Text, "time", (UINT64)written->dwHighDateTime << 32 | written->dwLowDateTime);
    JsonEnd(Text);
}

/* Adds the dumps that Pattern, in Folder, means. A folder that is not there has none. */
static DWORD AddDumps(TEXT *Text, const wchar_t *Folder, const wchar_t *Pattern, UINT32 *Left)
{
    wchar_t path[FOLDER_CHARS + 16];
    WIN32_FIND_DATAW found;
    DWORD error = ERROR_SUCCESS;
    HANDLE search;

    wcscpy(path, Folder);
    wcscat(path, Pattern);
    search = FindFirstFileW(path, &found);
    if (search == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ERROR_SUCCESS : error;
    }
    do {
        if ((found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ||
            wcslen(found.cFileName) > NAME_CHARS || *Left == 0)
            continue;
        AddDump(Text, Folder, &found);
        --*Left;
    } while (FindNextFileW(search, &found));
    if (GetLastError() != ERROR_NO_MORE_FILES)
        error = GetLastError();
    FindClose(search);
    return error;
}

DWORD TracesAdd(TEXT *Text)
{
    const TEXT before = *Text;
    UINT32 left = DUMPS_MAX;
    DWORD error;

    JsonBeginArray(Text, "dumps");
    error = AddDumps(Text, FOLDER, L"MEMORY.DMP", &left);
    if (error == ERROR_SUCCESS)
        error = AddDumps(Text, FOLDER L"Minidump\\", L"*.dmp", &left);
    JsonEndArray(Text);
    if (error != ERROR_SUCCESS) {
        *Text = before; /* an incomplete list is none: what is missing would count as new the next time */
        Text->Data[Text->Length] = '\0';
        JsonNull(Text, "dumps");
    }
    JsonBool(Text, "eventLog", GetFileAttributesW(EVENT_LOG) != INVALID_FILE_ATTRIBUTES);
    return error;
}
