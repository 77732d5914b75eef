/* tail.c - `tail`: sends a journal, and follows it until the run ends. */
#include "tail.h"
#include "commands.h"
#include "complain.h"
#include "journal.h"
#include "options.h"
#include "path.h"
#include "stream.h"

#include <stdlib.h>

/*
 * Windows updates a growing file's size in its folder only when it is closed, so that change
 * notifications would come too late: the open file itself is looked at. Reading at the end of a file
 * costs a few microseconds.
 */
#define TAIL_POLL_MS 5u

/* Whether the run still lives is asked less often: it takes opening the file again. */
#define POLLS_PER_LOOK 40u

/*
 * What comes soon after something was sent is gathered for this long: each write may cost whoever reads a
 * request of its own, and their number must not grow with that of the steps.
 */
#define GATHER_POLLS 20u

#define TAIL_BYTES (64u * 1024u)

/* Sends what there is beyond *Offset. */
static DWORD SendNew(HANDLE File, UINT8 *Chunk, UINT64 *Offset, BOOL *Sent)
{
    LARGE_INTEGER position = {.QuadPart = (LONGLONG)*Offset};

    *Sent = FALSE;
    if (!SetFilePointerEx(File, position, NULL, FILE_BEGIN))
        return GetLastError();
    for (;;) {
        size_t got;
        DWORD error = ReadFully(File, Chunk, TAIL_BYTES, &got);

        if (error == ERROR_SUCCESS && got != 0)
            error = WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), Chunk, got);
        if (error != ERROR_SUCCESS || got == 0)
            return error;
        *Offset += got;
        *Sent = TRUE;
    }
}

/* After something was sent: lets more come together, unless it was the last. */
static void Gather(const wchar_t *Path, HANDLE File)
{
    JOURNAL_STATE state = JOURNAL_RUNNING;

    for (UINT32 i = 0; i < GATHER_POLLS && state == JOURNAL_RUNNING; i++) {
        Sleep(TAIL_POLL_MS);
        if (JournalLook(Path, File, &state) != ERROR_SUCCESS)
            return;
    }
}

/* Sends, and waits for more while there is more to come. *State is what became of the run. */
static DWORD Send(const wchar_t *Path, HANDLE File, UINT8 *Chunk, UINT64 Offset, BOOL Follow,
                  JOURNAL_STATE *State)
{
    UINT32 quiet = 0;

    for (;;) {
        UINT64 before = Offset;
        BOOL sent, look = !Follow || quiet % POLLS_PER_LOOK == 0;
        DWORD error = ERROR_SUCCESS;

        /* Looked at before sending: what was there then has been sent when it is acted on. */
        *State = JOURNAL_RUNNING;
        if (look)
            error = JournalLook(Path, File, State);
        if (error == ERROR_SUCCESS)
            error = SendNew(File, Chunk, &Offset, &sent);
        /* Who follows a guest that reboots decides himself how long he waits for it to go on. */
        if (error != ERROR_SUCCESS || !Follow || (*State != JOURNAL_RUNNING && *State != JOURNAL_REBOOTING))
            return error;
        /* After news the end may have come with it: look at once. */
        quiet = Offset != before ? 0 : quiet + 1;
        if (quiet != 0)
            Sleep(TAIL_POLL_MS);
        else
            Gather(Path, File);
    }
}

int TailJournal(const wchar_t *Path, UINT64 From, BOOL Follow)
{
    JOURNAL_STATE state = JOURNAL_RUNNING;
    DWORD error = ERROR_SUCCESS;
    LARGE_INTEGER size;
    HANDLE file = INVALID_HANDLE_VALUE;
    UINT8 *chunk = malloc(TAIL_BYTES);

    if (chunk == NULL) {
        error = ERROR_NOT_ENOUGH_MEMORY;
        goto Exit;
    }
    file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &size)) {
        error = GetLastError();
        goto Exit;
    }
    if (From > (UINT64)size.QuadPart) {
        error = ERROR_HANDLE_EOF;
        goto Exit;
    }
    error = Send(Path, file, chunk, From, Follow, &state);

Exit:
    if (file != INVALID_HANDLE_VALUE)
        CloseHandle(file);
    free(chunk);
    if (error != ERROR_SUCCESS)
        return Complain("send the journal", PathPlain(Path), error);
    if (state != JOURNAL_GONE)
        return EXIT_DONE;
    (void)ComplainText("follow the journal", PathPlain(Path), "its run is gone without a run-end");
    return EXIT_GONE;
}

int CommandTail(int Argc, wchar_t **Argv)
{
    const wchar_t *journal = NULL, *fromText = NULL;
    BOOL follow = FALSE;
    const OPTION options[] = {
        {.Name = L"--journal", .Value = &journal},
        {.Name = L"--from", .Value = &fromText},
        {.Name = L"--follow", .Given = &follow},
    };
    UINT64 from = 0;
    wchar_t *path;
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || journal == NULL ||
        (fromText != NULL && (!ParseU64(fromText, &from) || from > MAXINT64)))
        return EXIT_USAGE;
    path = PathOpen(journal, &error);
    if (path == NULL)
        return Complain("open the journal", journal, error);
    code = TailJournal(path, from, follow);
    free(path);
    return code;
}
