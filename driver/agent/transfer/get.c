/* get.c - `get`: sends a range of a file as frames. */
#include "commands.h"
#include "complain.h"
#include "digest.h"
#include "frame.h"
#include "options.h"
#include "path.h"
#include "stream.h"

#include <stdlib.h>

/* After so many bytes an END lets the controller check what it has, and keep it should contact be lost. */
#define GET_PIECE_BYTES FRAME_PAYLOAD_MAX

static DWORD SendEnd(HANDLE Out, UINT64 Offset, SHA256 *Hash)
{
    UINT8 digest[SHA256_BYTES];

    Sha256Finish(Hash, digest);
    Sha256Init(Hash);
    return FrameSendSmall(Out, FRAME_END, 0, Offset, digest, sizeof digest);
}

/* Sends [Offset, End) of an open file, and an END behind each piece of it. */
static DWORD SendRange(HANDLE File, HANDLE Out, UINT64 Offset, UINT64 End)
{
    LARGE_INTEGER position = {.QuadPart = (LONGLONG)Offset};
    SHA256 hash;
    DWORD error = ERROR_SUCCESS;
    FRAME *frame = malloc(sizeof *frame);

    if (frame == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    Sha256Init(&hash);
    if (!SetFilePointerEx(File, position, NULL, FILE_BEGIN)) {
        error = GetLastError();
        goto Exit;
    }
    while (Offset < End) {
        size_t got, want = End - Offset < FRAME_PAYLOAD_MAX ? (size_t)(End - Offset) : FRAME_PAYLOAD_MAX;

        error = ReadFully(File, frame->Payload, want, &got);
        if (error == ERROR_SUCCESS && got == 0)
            error = ERROR_HANDLE_EOF; /* it has been cut short meanwhile */
        if (error != ERROR_SUCCESS)
            goto Exit;
        Sha256Add(&hash, frame->Payload, got);
        frame->Header =
            (FRAME_HEADER){.Type = FRAME_DATA, .File = 0, .Offset = Offset, .Length = (UINT32)got};
        error = FrameSend(Out, frame);
        if (error != ERROR_SUCCESS)
            goto Exit;
        Offset += got;
        if (hash.Length >= GET_PIECE_BYTES && Offset < End) {
            error = SendEnd(Out, Offset, &hash);
            if (error != ERROR_SUCCESS)
                goto Exit;
        }
    }
    error = SendEnd(Out, End, &hash);

Exit:
    free(frame);
    return error;
}

static DWORD SendFile(const wchar_t *Path, HANDLE Out, UINT64 Offset, UINT64 Length)
{
    LARGE_INTEGER size;
    UINT64 end;
    DWORD error;
    HANDLE file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!GetFileSizeEx(file, &size)) {
        error = GetLastError();
        goto Exit;
    }
    if (Offset > (UINT64)size.QuadPart) {
        error = ERROR_HANDLE_EOF;
        goto Exit;
    }
    /* What is appended from now on is for the next get: the range is fixed here. */
    end = (UINT64)size.QuadPart;
    if (Length != 0 && Length < end - Offset)
        end = Offset + Length;
    error = FrameSendSmall(Out, FRAME_SIZE, 0, (UINT64)size.QuadPart, NULL, 0);
    if (error == ERROR_SUCCESS)
        error = SendRange(file, Out, Offset, end);

Exit:
    CloseHandle(file);
    return error;
}

int CommandGet(int Argc, wchar_t **Argv)
{
    const wchar_t *offsetText = NULL, *lengthText = NULL, *pathText = NULL;
    const OPTION options[] = {
        {.Name = L"--offset", .Value = &offsetText},
        {.Name = L"--length", .Value = &lengthText},
        {.Name = NULL, .Value = &pathText},
    };
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    UINT64 offset = 0, length = 0;
    wchar_t *path;
    DWORD error;
    int code = EXIT_DONE;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || pathText == NULL ||
        (offsetText != NULL && !ParseU64(offsetText, &offset)) ||
        (lengthText != NULL && !ParseU64(lengthText, &length)))
        return EXIT_USAGE;
    path = PathOpen(pathText, &error);
    if (path == NULL)
        return FrameSendError(out, 0, error, "read", pathText, NULL);
    error = SendFile(path, out, offset, length);
    if (error != ERROR_SUCCESS)
        code = FrameSendError(out, 0, error, "read", PathPlain(path), NULL);
    free(path);
    return code;
}
