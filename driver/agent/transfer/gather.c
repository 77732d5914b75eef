/*
 * gather.c - `gather`: sends the small files of a list, one behind the other, and says of all of them
 * whether the other end has them already. One process and one answer for a thousand files.
 */
#include "commands.h"
#include "complain.h"
#include "path.h"
#include "request.h"
#include "stream.h"

#include <stdlib.h>

/* Sends what Frame's payload holds as the whole of file Index. */
static DWORD SendWhole(HANDLE Out, FRAME *Frame, UINT16 Index, UINT32 Bytes, const UINT8 *Digest)
{
    DWORD error = FrameSendSmall(Out, FRAME_SIZE, Index, Bytes, NULL, 0);

    if (error == ERROR_SUCCESS && Bytes != 0) {
        Frame->Header = (FRAME_HEADER){.Type = FRAME_DATA, .File = Index, .Offset = 0, .Length = Bytes};
        error = FrameSend(Out, Frame);
    }
    if (error == ERROR_SUCCESS)
        error = FrameSendSmall(Out, FRAME_END, Index, Bytes, Digest, SHA256_BYTES);
    return error;
}

/* Hashes all of an open file; *Size is how much that was. */
static DWORD HashFile(HANDLE Input, UINT8 *Digest, UINT64 *Size)
{
    SHA256 hash;
    DWORD error;

    Sha256Init(&hash);
    error = Sha256AddFile(&hash, Input, MAXUINT64, Size);
    Sha256Finish(&hash, Digest);
    return error;
}

/* Reads all of an open file into Frame's payload, where it fits, and hashes it. */
static DWORD ReadWhole(HANDLE Input, FRAME *Frame, UINT8 *Digest, UINT64 *Size)
{
    SHA256 hash;
    size_t got;
    DWORD error = ReadFully(Input, Frame->Payload, FRAME_PAYLOAD_MAX, &got);

    if (error != ERROR_SUCCESS)
        return error;
    Sha256Init(&hash);
    Sha256Add(&hash, Frame->Payload, got);
    Sha256Finish(&hash, Digest);
    *Size = got;
    return ERROR_SUCCESS;
}

/*
 * Answers about one file: HAVE where the other end has it, all of it where it is small, else its size.
 * *Lost is what went wrong with the way out; the return value, with the file.
 */
static DWORD AnswerFile(const MANIFEST_FILE *File, HANDLE Out, FRAME *Frame, UINT16 Index, DWORD *Lost)
{
    UINT8 digest[SHA256_BYTES];
    LARGE_INTEGER size;
    UINT64 bytes = 0;
    BOOL small, hashed;
    DWORD error = ERROR_SUCCESS;
    HANDLE input =
        CreateFileW(File->Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);

    if (input == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!GetFileSizeEx(input, &size)) {
        error = GetLastError();
        goto Exit;
    }
    bytes = (UINT64)size.QuadPart;
    small = bytes <= FRAME_PAYLOAD_MAX;
    hashed = small || bytes == File->Size;
    if (small)
        error = ReadWhole(input, Frame, digest, &bytes);
    else if (hashed)
        error = HashFile(input, digest, &bytes);
    if (error != ERROR_SUCCESS)
        goto Exit;
    if (hashed && bytes == File->Size && memcmp(digest, File->Sha256, sizeof digest) == 0)
        *Lost = FrameSendSmall(Out, FRAME_HAVE, Index, bytes, NULL, 0);
    else if (small)
        *Lost = SendWhole(Out, Frame, Index, (UINT32)bytes, digest);
    else
        *Lost = FrameSendSmall(Out, FRAME_SIZE, Index, bytes, NULL, 0);

Exit:
    CloseHandle(input);
    return error;
}

static int AnswerAll(const MANIFEST *Manifest, HANDLE Out, FRAME *Frame)
{
    int code = EXIT_DONE;

    for (UINT32 i = 0; i < Manifest->Count; i++) {
        const MANIFEST_FILE *file = &Manifest->File[i];
        DWORD lost = ERROR_SUCCESS;
        DWORD error = AnswerFile(file, Out, Frame, (UINT16)i, &lost);

        if (lost != ERROR_SUCCESS)
            return Complain("send", PathPlain(file->Path), lost);
        if (error != ERROR_SUCCESS) /* the others can be had all the same */
            code = FrameSendError(Out, (UINT16)i, error, "read", PathPlain(file->Path), NULL);
    }
    return code;
}

int CommandGather(int Argc, wchar_t **Argv)
{
    (void)Argv;
    return RequestServe("send files", Argc, AnswerAll);
}
