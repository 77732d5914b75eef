/* journal.c - writes the journal of a run, and finds out whether the run lives. */
#include "journal.h"
#include "path.h"
#include "space.h"
#include "stream.h"

#include <stdlib.h>

/* Whoever looks whether the journal is held has it open himself for a moment. */
#define CONTINUE_MS      10000u
#define CONTINUE_POLL_MS 1u

#define RUN_END "\"ev\":\"run-end\""
#define REBOOT  "\"ev\":\"reboot\""

/* Two clusters as they usually are: the last words may begin in one and end in the next. */
#define RESERVE_BYTES  8192u
#define RESERVE_SUFFIX L".reserve"

static HANDLE OpenJournalFile(const wchar_t *Path, DWORD Disposition)
{
    return CreateFileW(Path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, Disposition,
                       FILE_FLAG_WRITE_THROUGH, NULL);
}

/* Room that is taken now, and goes with the handle. */
static DWORD ReserveJournal(JOURNAL *Journal, const wchar_t *Path)
{
    UINT8 zeros[RESERVE_BYTES] = {0};
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    wchar_t *path = PathWithSuffix(Path, RESERVE_SUFFIX);

    if (path == NULL)
        return error;
    Journal->Reserve = CreateFileW(path, GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                                   CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    error = Journal->Reserve != INVALID_HANDLE_VALUE ? WriteFully(Journal->Reserve, zeros, sizeof zeros)
                                                     : GetLastError();
    free(path);
    return error;
}

static void LetGoOfReserve(JOURNAL *Journal)
{
    if (Journal->Reserve != INVALID_HANDLE_VALUE)
        CloseHandle(Journal->Reserve);
    Journal->Reserve = INVALID_HANDLE_VALUE;
}

static void BeginBoot(JOURNAL *Journal, UINT64 Sequence, UINT64 BaseMs)
{
    Journal->Sequence = Sequence;
    Journal->BaseMs = BaseMs;
    Journal->Error = ERROR_SUCCESS;
    QueryPerformanceFrequency(&Journal->Frequency);
    QueryPerformanceCounter(&Journal->Start);
}

DWORD JournalCreate(JOURNAL *Journal, const wchar_t *Path)
{
    DWORD error;

    Journal->Reserve = INVALID_HANDLE_VALUE;
    Journal->File = OpenJournalFile(Path, CREATE_NEW);
    if (Journal->File == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PATH_NOT_FOUND) {
        error = PathMakeFolders(Path);
        if (error != ERROR_SUCCESS)
            return error;
        Journal->File = OpenJournalFile(Path, CREATE_NEW);
    }
    if (Journal->File == INVALID_HANDLE_VALUE)
        return GetLastError();
    BeginBoot(Journal, 0, 0);
    error = ReserveJournal(Journal, Path);
    if (error != ERROR_SUCCESS) {
        JournalClose(Journal);
        (void)DeleteFileW(Path); /* nobody is to wait for what will never be in it */
    }
    return error;
}

DWORD JournalContinue(JOURNAL *Journal, const wchar_t *Path, UINT64 Sequence, UINT64 Bytes, UINT64 Ms)
{
    LARGE_INTEGER end = {0}, none = {0};
    DWORD error = ERROR_SUCCESS;
    UINT64 deadline = GetTickCount64() + CONTINUE_MS;

    Journal->Reserve = INVALID_HANDLE_VALUE;
    while ((Journal->File = OpenJournalFile(Path, OPEN_EXISTING)) == INVALID_HANDLE_VALUE &&
           GetLastError() == ERROR_SHARING_VIOLATION && GetTickCount64() < deadline)
        Sleep(CONTINUE_POLL_MS);
    if (Journal->File == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!SetFilePointerEx(Journal->File, none, &end, FILE_END))
        error = GetLastError();
    else if ((UINT64)end.QuadPart != Bytes)
        error = ERROR_INVALID_DATA;
    if (error != ERROR_SUCCESS) {
        JournalClose(Journal);
        return error;
    }
    BeginBoot(Journal, Sequence, Ms);
    (void)ReserveJournal(Journal, Path); /* where there is no room for it, the next event tells */
    return ERROR_SUCCESS;
}

DWORD JournalBytes(const JOURNAL *Journal, UINT64 *Bytes)
{
    LARGE_INTEGER size;

    if (!GetFileSizeEx(Journal->File, &size))
        return GetLastError();
    *Bytes = (UINT64)size.QuadPart;
    return ERROR_SUCCESS;
}

void JournalClose(JOURNAL *Journal)
{
    CloseHandle(Journal->File);
    Journal->File = INVALID_HANDLE_VALUE;
    LetGoOfReserve(Journal);
}

DWORD JournalRevive(JOURNAL *Journal)
{
    DWORD error = Journal->Error;

    if (SpaceIsUp(error)) {
        LetGoOfReserve(Journal);
        Journal->Error = ERROR_SUCCESS;
    }
    return error;
}

UINT64 JournalMs(const JOURNAL *Journal)
{
    LARGE_INTEGER now;

    QueryPerformanceCounter(&now);
    return Journal->BaseMs +
           (UINT64)(now.QuadPart - Journal->Start.QuadPart) * 1000u / (UINT64)Journal->Frequency.QuadPart;
}

TEXT *JournalEvent(JOURNAL *Journal, const char *Event)
{
    TEXT *line = &Journal->Line;

    TextInit(line, Journal->Buffer, sizeof Journal->Buffer);
    JsonBegin(line);
    JsonU64(line, "seq", Journal->Sequence + 1);
    JsonU64(line, "ms", JournalMs(Journal));
    JsonString(line, "ev", Event);
    return line;
}

void JournalWrite(JOURNAL *Journal)
{
    LARGE_INTEGER none = {0}, before;
    TEXT *line = &Journal->Line;
    DWORD written = 0;

    JsonEnd(line);
    TextAdd(line, "\n");
    if (line->Full && Journal->Error == ERROR_SUCCESS)
        Journal->Error = ERROR_BUFFER_OVERFLOW;
    if (Journal->Error != ERROR_SUCCESS)
        return;
    if (!SetFilePointerEx(Journal->File, none, &before, FILE_CURRENT)) {
        Journal->Error = GetLastError();
        return;
    }
    if (!WriteFile(Journal->File, line->Data, (DWORD)line->Length, &written, NULL))
        Journal->Error = GetLastError();
    else if (written != line->Length)
        Journal->Error = ERROR_DISK_FULL;
    if (Journal->Error == ERROR_SUCCESS) {
        Journal->Sequence++;
        return;
    }
    /* Half a line would spoil the journal for its readers: take it back. */
    if (SetFilePointerEx(Journal->File, before, NULL, FILE_BEGIN))
        (void)SetEndOfFile(Journal->File);
}

BOOL JournalHeld(const wchar_t *Path)
{
    HANDLE file = CreateFileW(Path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_SHARING_VIOLATION;
    CloseHandle(file);
    return FALSE;
}

static BOOL Contains(const char *Text, size_t Length, const char *Word)
{
    size_t word = strlen(Word);

    for (size_t i = 0; i + word <= Length; i++) {
        if (memcmp(Text + i, Word, word) == 0)
            return TRUE;
    }
    return FALSE;
}

/* What the last line says, if it is whole. No other text of a journal can hold those quotes. */
static DWORD LookAtEnd(HANDLE File, JOURNAL_STATE *State)
{
    char tail[512];
    LARGE_INTEGER size, from;
    size_t got, line;
    DWORD error;

    *State = JOURNAL_GONE;
    if (!GetFileSizeEx(File, &size))
        return GetLastError();
    from.QuadPart = size.QuadPart > (LONGLONG)sizeof tail ? size.QuadPart - (LONGLONG)sizeof tail : 0;
    if (!SetFilePointerEx(File, from, NULL, FILE_BEGIN))
        return GetLastError();
    error = ReadFully(File, tail, sizeof tail, &got);
    if (error != ERROR_SUCCESS || got == 0 || tail[got - 1] != '\n')
        return error;
    for (line = got - 1; line != 0 && tail[line - 1] != '\n';)
        line--;
    if (Contains(tail + line, got - line, RUN_END))
        *State = JOURNAL_ENDED;
    else if (Contains(tail + line, got - line, REBOOT))
        *State = JOURNAL_REBOOTING;
    return ERROR_SUCCESS;
}

DWORD JournalLook(const wchar_t *Path, HANDLE File, JOURNAL_STATE *State)
{
    /* In this order: a run that lets go between the two has written its end before. */
    BOOL held = JournalHeld(Path);
    DWORD error = LookAtEnd(File, State);

    if (held && *State != JOURNAL_ENDED)
        *State = JOURNAL_RUNNING;
    return error;
}

DWORD JournalLookAt(const wchar_t *Path, JOURNAL_STATE *State)
{
    DWORD error;
    HANDLE file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    *State = JOURNAL_ABSENT;
    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    error = JournalLook(Path, file, State);
    CloseHandle(file);
    return error;
}
