/*
 * fill.c - `fill`: fills the volume that the harness's folder is on, so that one can see what a full disk
 * does. The file goes with the handle, however this process ends; after a power failure it may be left, and
 * the next agent that is asked for its facts removes it.
 */
#include "commands.h"
#include "complain.h"
#include "faults.h"
#include "options.h"
#include "space.h"
#include "stream.h"

#include <stdlib.h>

#define BALLAST L"C:\\wskharness\\ballast"

#define FILL_BYTES    (1024u * 1024u)
#define LITTLE_BYTES  4096u /* less than a cluster is of no use to anybody */
#define RESERVE_TRIES 128u

/*
 * Reserves all that is free without writing it. FALSE where the file system does not do that, or says that
 * it does and has as much room as before. (Unproven on Windows.)
 */
static BOOL ReserveDisk(HANDLE File, UINT64 Free)
{
    UINT64 reserved = 0, piece = Free;

    for (unsigned tries = 0; tries < RESERVE_TRIES && piece >= LITTLE_BYTES; tries++) {
        FILE_ALLOCATION_INFO size = {.AllocationSize.QuadPart = (LONGLONG)(reserved + piece)};
        UINT64 left;

        if (!SetFileInformationByHandle(File, FileAllocationInfo, &size, sizeof size)) {
            piece /= 2; /* the file system needs some room for itself */
            continue;
        }
        if (SpaceFree(BALLAST, &left) != ERROR_SUCCESS || Free - reserved < left + piece / 2)
            return FALSE;
        reserved += piece;
        piece = left;
    }
    return reserved != 0;
}

/* Writes zeros until nothing more fits, in ever smaller pieces. */
static DWORD WriteAll(HANDLE File)
{
    DWORD error = ERROR_SUCCESS;
    UINT8 *zeros = calloc(1, FILL_BYTES);

    if (zeros == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    for (DWORD piece = FILL_BYTES; piece != 0 && error == ERROR_SUCCESS;) {
        DWORD written = 0;

        if (!WriteFile(File, zeros, piece, &written, NULL) || written != piece) {
            error = written != 0 ? ERROR_DISK_FULL : GetLastError();
            if (SpaceIsUp(error)) {
                error = ERROR_SUCCESS;
                piece /= 2;
            }
        }
    }
    free(zeros);
    return error;
}

/* At most Most bytes are written: where it takes more, that is ERROR_FILE_TOO_LARGE, and nothing is. */
static DWORD Fill(HANDLE File, UINT64 Most)
{
    UINT64 available;
    DWORD error = SpaceFree(BALLAST, &available);

    if (error != ERROR_SUCCESS || ReserveDisk(File, available))
        return error;
    return available > Most ? ERROR_FILE_TOO_LARGE : WriteAll(File);
}

static DWORD TellFree(void)
{
    char buffer[64];
    TEXT text;
    UINT64 available;
    DWORD error = SpaceFree(BALLAST, &available);

    if (error != ERROR_SUCCESS)
        return error;
    TextInit(&text, buffer, sizeof buffer);
    JsonBegin(&text);
    JsonU64(&text, "freeBytes", available);
    JsonEnd(&text);
    TextAdd(&text, "\n");
    return WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), text.Data, text.Length);
}

static int RefuseFill(DWORD Error)
{
    char buffer[256];
    TEXT text;
    UINT64 available = 0;

    if (Error != ERROR_FILE_TOO_LARGE)
        return Complain("fill the volume of", BALLAST, Error);
    (void)SpaceFree(BALLAST, &available);
    TextInit(&text, buffer, sizeof buffer);
    TextAddU64(&text, available);
    TextAdd(&text, " bytes are free, and here they have to be written; that is more than is allowed");
    return ComplainText("fill the volume of", BALLAST, text.Data);
}

int CommandFill(int Argc, wchar_t **Argv)
{
    const wchar_t *mostText = NULL, *msText = NULL;
    const OPTION options[] = {{.Name = L"--most", .Value = &mostText}, {.Name = L"--for", .Value = &msText}};
    UINT64 most, ms;
    HANDLE file;
    DWORD error;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || mostText == NULL || msText == NULL ||
        !ParseU64(mostText, &most) || !ParseU64(msText, &ms) || ms > HOLD_MS_MAX)
        return EXIT_USAGE;
    FillTidy();
    file = CreateFileW(BALLAST, GENERIC_WRITE | DELETE, 0, NULL, CREATE_NEW,
                       FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return Complain("make", BALLAST, GetLastError());
    error = Fill(file, most);
    if (error == ERROR_SUCCESS)
        error = TellFree();
    if (error == ERROR_SUCCESS)
        HoldWhileWanted((DWORD)ms);
    if (!CloseHandle(file) && error == ERROR_SUCCESS)
        error = GetLastError();
    return error == ERROR_SUCCESS ? EXIT_DONE : RefuseFill(error);
}

void FillTidy(void)
{
    if (!DeleteFileW(BALLAST) && GetLastError() != ERROR_FILE_NOT_FOUND &&
        GetLastError() != ERROR_PATH_NOT_FOUND && GetLastError() != ERROR_SHARING_VIOLATION)
        (void)Complain("remove what a fill has left:", BALLAST, GetLastError());
}
