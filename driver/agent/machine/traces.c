/*
 * traces.c - what crashes of this machine have left: its dumps, and whether there is an event log to ask.
 *
 * Where Windows puts dumps it is told by the registry ("Memory dump file options for Windows"): DumpFile is
 * the one of the last crash, MinidumpDir the folder of small ones. DedicatedDumpFile only stands in for the
 * page file.
 */
#include "traces.h"
#include "path.h"

#include <stdlib.h>
#include <wchar.h>

#define DUMPS_MAX   64u  /* that are told of */
#define NAME_CHARS  120u /* of a dump in the folder; Windows names them by the date */
#define VALUE_CHARS 260u /* of a setting, the NUL counted */

#define EVENT_LOG     L"C:\\Windows\\System32\\winevt\\Logs\\System.evtx"
#define CRASH_CONTROL L"SYSTEM\\CurrentControlSet\\Control\\CrashControl"

/* Adds a dump at the place that is written Folder, Name. */
static void AddDump(TEXT *Text, const wchar_t *Folder, const WIN32_FIND_DATAW *Found)
{
    wchar_t path[VALUE_CHARS + NAME_CHARS + 1];
    const FILETIME *written = &Found->ftLastWriteTime;

    wcscpy(path, Folder);
    wcscat(path, Found->cFileName);
    TextAdd(Text, Text->Data[Text->Length - 1] == '[' ? "{" : ",{");
    JsonWide(Text, "path", path);
    JsonU64(Text, "size", (UINT64)Found->nFileSizeHigh << 32 | Found->nFileSizeLow);
    JsonHex(Text, "time", (UINT64)written->dwHighDateTime << 32 | written->dwLowDateTime);
    JsonEnd(Text);
}

/*
 * No file, no folder, or a file in the place of a folder, of which Wine says that the name is invalid: it was
 * checked before.
 */
static BOOL NothingThere(DWORD Error)
{
    return Error == ERROR_FILE_NOT_FOUND || Error == ERROR_PATH_NOT_FOUND || Error == ERROR_DIRECTORY ||
           Error == ERROR_INVALID_NAME;
}

/* Adds the dumps that Pattern means: Opened with Suffix behind it. A folder that is not there has none. */
static DWORD AddDumps(TEXT *Text, const wchar_t *Opened, const wchar_t *Suffix, UINT32 *Left)
{
    wchar_t folder[VALUE_CHARS + 1];
    WIN32_FIND_DATAW found;
    DWORD error = ERROR_SUCCESS;
    HANDLE search;
    wchar_t *pattern = PathWithSuffix(Opened, Suffix);

    if (pattern == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    wcscpy(folder, PathPlain(pattern)); /* a setting is shorter than VALUE_CHARS, and the suffix goes */
    wcsrchr(folder, L'\\')[1] = L'\0';
    search = FindFirstFileW(pattern, &found);
    free(pattern);
    if (search == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        return NothingThere(error) ? ERROR_SUCCESS : error;
    }
    do {
        if ((found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ||
            wcslen(found.cFileName) > NAME_CHARS || *Left == 0)
            continue;
        AddDump(Text, folder, &found);
        --*Left;
    } while (FindNextFileW(search, &found));
    if (GetLastError() != ERROR_NO_MORE_FILES)
        error = GetLastError();
    FindClose(search);
    return error;
}

/*
 * Reads a setting with its variables expanded, without backslashes at its end; Default where it is not set.
 * FALSE for one that can't be read: of another type, or longer than a path.
 */
static BOOL ReadSetting(const wchar_t *Name, const wchar_t *Default, wchar_t Value[VALUE_CHARS])
{
    wchar_t raw[VALUE_CHARS];
    DWORD size = sizeof raw, length;
    DWORD error = (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, CRASH_CONTROL, Name,
                                      RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, NULL, raw, &size);

    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ||
        (error == ERROR_SUCCESS && raw[0] == L'\0'))
        wcscpy(raw, Default);
    else if (error != ERROR_SUCCESS)
        return FALSE;
    length = ExpandEnvironmentStringsW(raw, Value, VALUE_CHARS);
    if (length == 0 || length > VALUE_CHARS)
        return FALSE;
    for (size_t end = wcslen(Value); end != 0 && Value[end - 1] == L'\\'; end--)
        Value[end - 1] = L'\0';
    return TRUE;
}

/* Tells of a place, and adds the dumps that are there. One that is no path of a drive is told, and not looked
 * at. */
static DWORD AddPlace(TEXT *Places, TEXT *Dumps, const char *Key, const wchar_t *Name, const wchar_t *Default,
                      const wchar_t *Suffix, UINT32 *Left)
{
    wchar_t value[VALUE_CHARS];
    wchar_t *opened;
    DWORD error;

    if (!ReadSetting(Name, Default, value)) {
        JsonNull(Places, Key);
        return ERROR_SUCCESS;
    }
    JsonWide(Places, Key, value);
    opened = PathOpen(value, &error);
    if (opened == NULL)
        return error == ERROR_BAD_PATHNAME ? ERROR_SUCCESS : error;
    error = AddDumps(Dumps, opened, Suffix, Left);
    free(opened);
    return error;
}

static BOOL ReadNumber(const wchar_t *Name, DWORD *Value)
{
    DWORD size = sizeof *Value;

    return RegGetValueW(HKEY_LOCAL_MACHINE, CRASH_CONTROL, Name, RRF_RT_REG_DWORD, NULL, Value, &size) ==
           ERROR_SUCCESS;
}

/* Adds how the machine is set to write dumps, CrashDumpEnabled with 0 for never, and to keep them. */
static void AddHabits(TEXT *Text)
{
    DWORD enabled, keep;

    if (ReadNumber(L"CrashDumpEnabled", &enabled))
        JsonU64(Text, "enabled", enabled);
    else
        JsonNull(Text, "enabled");
    JsonBool(Text, "keep", ReadNumber(L"AlwaysKeepMemoryDump", &keep) && keep != 0);
}

DWORD TracesAdd(TEXT *Text)
{
    const TEXT before = *Text;
    char buffer[6 * 2 * VALUE_CHARS + 128]; /* two settings of only characters that are escaped fit */
    UINT32 left = DUMPS_MAX;
    DWORD error;
    TEXT places;

    TextInit(&places, buffer, sizeof buffer);
    JsonBegin(&places);
    AddHabits(&places);
    JsonBeginArray(Text, "dumps");
    error = AddPlace(&places, Text, "dumpFile", L"DumpFile", L"%SystemRoot%\\MEMORY.DMP", L"", &left);
    if (error == ERROR_SUCCESS)
        error = AddPlace(&places, Text, "minidumpDir", L"MinidumpDir", L"%SystemRoot%\\Minidump", L"\\*.dmp",
                         &left);
    JsonEndArray(Text);
    JsonEnd(&places);
    if (error == ERROR_SUCCESS && Text->Full)
        error = ERROR_BUFFER_OVERFLOW;
    if (error != ERROR_SUCCESS) {
        *Text = before; /* an incomplete list is none: what is missing would count as new the next time */
        Text->Data[Text->Length] = '\0';
        JsonNull(Text, "dumps");
    }
    TextAdd(Text, ",\"crash\":");
    TextAdd(Text, places.Data);
    JsonBool(Text, "eventLog", GetFileAttributesW(EVENT_LOG) != INVALID_FILE_ATTRIBUTES);
    return error;
}
