/* put.c - `put`: receives files as frames; resumes, verifies, renames. */
#include "commands.h"
#include "complain.h"
#include "frame.h"
#include "lease.h"
#include "options.h"
#include "part.h"
#include "path.h"
#include "put.h"
#include "request.h"
#include "space.h"
#include "stream.h"

#include <stdlib.h>

typedef struct PUT {
    HANDLE In;
    HANDLE Out;
    FRAME *Frame;
    MANIFEST Manifest;
    UINT32 Current; /* the file that data comes for next, Manifest.Count when all are there */
    HANDLE Part;    /* open while data comes for Current */
    UINT64 Next;    /* offset within Current of the next byte */
    SHA256 Hash;    /* of the bytes before Next */
} PUT;

/* Bytes of the files from Index on that are not here. */
static UINT64 Missing(const PUT *Put, UINT32 Index)
{
    UINT64 missing = 0;

    for (UINT32 i = Index; i < Put->Manifest.Count; i++) {
        const MANIFEST_FILE *file = &Put->Manifest.File[i];

        if (i == Put->Current && Put->Part != INVALID_HANDLE_VALUE)
            missing += file->Size - Put->Next;
        else if (!file->There)
            missing += file->Size - file->Wanted;
    }
    return missing;
}

static int PutError(const PUT *Put, UINT32 Index, DWORD Win32, const char *Attempt, const char *Reason)
{
    const wchar_t *path = Index < Put->Manifest.Count ? PathPlain(Put->Manifest.File[Index].Path) : NULL;
    UINT16 file = Index < FRAME_ALL_FILES ? (UINT16)Index : FRAME_ALL_FILES;
    char buffer[256];
    TEXT text;

    if (SpaceIsUp(Win32) && path != NULL) {
        TextInit(&text, buffer, sizeof buffer);
        TextAddSpace(&text, path, Missing(Put, Index));
        Reason = text.Data;
    }
    return FrameSendError(Put->Out, file, Win32, Attempt, path, Reason);
}

static int ReceiveManifest(PUT *Put)
{
    static const UINT8 made = 1;
    int code = RequestReceive(&Put->Manifest, Put->In, Put->Out, Put->Frame);

    for (UINT32 index = 0; code == EXIT_DONE && index < Put->Manifest.Count; index++) {
        MANIFEST_FILE *file = &Put->Manifest.File[index];
        DWORD error = PartSurvey(file);

        if (error != ERROR_SUCCESS)
            return PutError(Put, index, error, "prepare",
                            error == ERROR_CRC ? "an empty file does not have this SHA-256" : NULL);
        error = FrameSendSmall(Put->Out, FRAME_HAVE, (UINT16)index, file->Wanted, &made,
                               file->Made ? sizeof made : 0);
        if (error != ERROR_SUCCESS)
            return Complain("answer with what is here of", PathPlain(file->Path), error);
    }
    return code;
}

/* Opens the part of the current file and hashes what is in it already. */
static DWORD BeginPart(PUT *Put, const MANIFEST_FILE *File)
{
    LARGE_INTEGER size;
    UINT64 count;
    DWORD error;
    wchar_t *part = PartName(File->Path);

    if (part == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    Put->Part = PartOpen(part, FILE_SHARE_READ, &error);
    free(part);
    if (Put->Part == INVALID_HANDLE_VALUE)
        return error;
    if (!GetFileSizeEx(Put->Part, &size))
        return GetLastError();
    if ((UINT64)size.QuadPart != File->Wanted)
        return ERROR_FILE_INVALID; /* somebody else changed it since Survey */
    Sha256Init(&Put->Hash);
    error = Sha256AddFile(&Put->Hash, Put->Part, File->Wanted, &count);
    if (error == ERROR_SUCCESS && count != File->Wanted)
        error = ERROR_HANDLE_EOF;
    Put->Next = File->Wanted;
    return error;
}

static void ClosePart(PUT *Put)
{
    if (Put->Part != INVALID_HANDLE_VALUE)
        CloseHandle(Put->Part);
    Put->Part = INVALID_HANDLE_VALUE;
}

/* The last byte is there: checks the hash, flushes, renames, tells. */
static int FinishPart(PUT *Put)
{
    const MANIFEST_FILE *file = &Put->Manifest.File[Put->Current];
    UINT8 digest[SHA256_BYTES];
    DWORD error = ERROR_SUCCESS;
    int code = EXIT_DONE;
    wchar_t *part = PartName(file->Path);

    if (part == NULL)
        return PutError(Put, Put->Current, ERROR_NOT_ENOUGH_MEMORY, "finish", NULL);
    Sha256Finish(&Put->Hash, digest);
    if (memcmp(digest, file->Sha256, sizeof digest) != 0) {
        ClosePart(Put);
        PartDiscard(file);
        code = PutError(
            Put, Put->Current, ERROR_CRC, "verify",
            "the SHA-256 of what came is not that of the manifest: it was changed while it was sent, or "
            "on the way; send it again");
        goto Exit;
    }
    if (!FlushFileBuffers(Put->Part))
        error = GetLastError();
    ClosePart(Put);
    if (error == ERROR_SUCCESS)
        error = PartGiveName(file, part);
    if (error != ERROR_SUCCESS) {
        code = PutError(Put, Put->Current, error, "write", NULL);
        goto Exit;
    }
    error = FrameSendSmall(Put->Out, FRAME_DONE, (UINT16)Put->Current, file->Size, digest, sizeof digest);
    if (error != ERROR_SUCCESS)
        code = Complain("tell about", PathPlain(file->Path), error);
    Put->Current++;

Exit:
    free(part);
    return code;
}

static void SkipFilesThatAreThere(PUT *Put)
{
    while (Put->Current < Put->Manifest.Count && Put->Manifest.File[Put->Current].There)
        Put->Current++;
}

static int ReceiveData(PUT *Put)
{
    const FRAME_HEADER *header = &Put->Frame->Header;
    const MANIFEST_FILE *file;
    const UINT8 *data = Put->Frame->Payload;
    UINT64 end = header->Offset + header->Length;
    DWORD error;

    if (header->File >= Put->Manifest.Count)
        return PutError(Put, FRAME_ALL_FILES, ERROR_INVALID_DATA, "receive",
                        "data for a file that is not in the manifest");
    file = &Put->Manifest.File[header->File];
    if (header->Offset > file->Size || end > file->Size)
        return PutError(Put, header->File, ERROR_INVALID_DATA, "receive", "data beyond the end of the file");
    /* Sent before our HAVE had arrived. */
    if (file->There || header->File < Put->Current)
        return EXIT_DONE;
    if (header->File > Put->Current)
        return PutError(Put, Put->Current, ERROR_INVALID_DATA, "receive", "a hole: the next file begins");
    if (Put->Part == INVALID_HANDLE_VALUE) {
        error = BeginPart(Put, file);
        if (error != ERROR_SUCCESS)
            return PutError(Put, header->File, error, "write the part of", NULL);
    }
    if (header->Offset > Put->Next)
        return PutError(Put, header->File, ERROR_INVALID_DATA, "receive",
                        "a hole: data is missing before it");
    if (end <= Put->Next)
        return EXIT_DONE;
    data += Put->Next - header->Offset;
    error = WriteFully(Put->Part, data, (size_t)(end - Put->Next));
    if (error != ERROR_SUCCESS)
        return PutError(Put, header->File, error, "write the part of", NULL);
    Sha256Add(&Put->Hash, data, (size_t)(end - Put->Next));
    Put->Next = end;
    return end == file->Size ? FinishPart(Put) : EXIT_DONE;
}

/* The current file was written by others, all of it: checks that. */
static int ReceiveWhole(PUT *Put)
{
    const FRAME_HEADER *header = &Put->Frame->Header;
    MANIFEST_FILE *file = &Put->Manifest.File[Put->Current];
    DWORD error;
    int code;

    if (header->File != Put->Current || Put->Part != INVALID_HANDLE_VALUE)
        return PutError(Put, Put->Current, ERROR_INVALID_DATA, "receive", "WHOLE came out of turn");
    file->Wanted = file->Size;
    error = BeginPart(Put, file);
    if (error != ERROR_SUCCESS)
        return PutError(Put, Put->Current, error, "read the part of",
                        error == ERROR_FILE_INVALID ? "it is not as long as the file; put again to resume"
                                                    : NULL);
    code = FinishPart(Put);
    if (code == EXIT_DONE)
        PartDiscard(file); /* the part has its name by now: the map is what is left */
    return code;
}

/* Frames until FINISH. */
static int ReceiveFiles(PUT *Put)
{
    int code = EXIT_DONE;

    while (code == EXIT_DONE) {
        const FRAME_HEADER *header = &Put->Frame->Header;
        DWORD error = FrameRead(Put->In, Put->Frame);

        if (error != ERROR_SUCCESS)
            return PutError(Put, Put->Current < Put->Manifest.Count ? Put->Current : FRAME_ALL_FILES, error,
                            "receive", FrameReason(error));
        if (header->Type == FRAME_FINISH) {
            if (Put->Current < Put->Manifest.Count)
                return PutError(Put, Put->Current, ERROR_HANDLE_EOF, "receive",
                                "FINISH came before the last byte; put again to resume");
            return EXIT_DONE;
        }
        if (header->Type == FRAME_WHOLE && Put->Current < Put->Manifest.Count)
            code = ReceiveWhole(Put);
        else if (header->Type == FRAME_DATA)
            code = ReceiveData(Put);
        else
            return PutError(Put, FRAME_ALL_FILES, ERROR_INVALID_DATA, "receive", "a frame of a wrong type");
        SkipFilesThatAreThere(Put);
    }
    return code;
}

int PutFiles(BOOL AwaitFinish)
{
    PUT put = {
        .In = GetStdHandle(STD_INPUT_HANDLE),
        .Out = GetStdHandle(STD_OUTPUT_HANDLE),
        .Part = INVALID_HANDLE_VALUE,
    };
    int code;

    put.Frame = malloc(sizeof *put.Frame);
    if (put.Frame == NULL)
        return Complain("receive files", NULL, ERROR_NOT_ENOUGH_MEMORY);
    code = ReceiveManifest(&put);
    SkipFilesThatAreThere(&put);
    if (code == EXIT_DONE && (AwaitFinish || put.Current < put.Manifest.Count))
        code = ReceiveFiles(&put);
    ClosePart(&put);
    ManifestFree(&put.Manifest);
    free(put.Frame);
    return code;
}

int CommandPut(int Argc, wchar_t **Argv)
{
    const wchar_t *lease = NULL;
    const OPTION options[] = {{.Name = L"--lease", .Value = &lease}};
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)))
        return EXIT_USAGE;
    code = LeaseAdmit(lease, "take files");
    return code == EXIT_DONE ? PutFiles(FALSE) : code;
}
