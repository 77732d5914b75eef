/* stripe.c - `stripe`: writes some of the chunks of a file that several streams bring side by side. */
#include "commands.h"
#include "complain.h"
#include "frame.h"
#include "options.h"
#include "part.h"
#include "path.h"
#include "space.h"
#include "stream.h"

#include <stdlib.h>

typedef struct STRIPE {
    PART_LAYOUT Layout;
    wchar_t *Path; /* of the whole file */
    HANDLE Part, Map;
    FRAME *Frame;
    UINT64 Written; /* bytes */
} STRIPE;

static int StripeError(const STRIPE *Stripe, DWORD Win32, const char *Attempt, const char *Reason)
{
    char buffer[256];
    TEXT text;

    if (SpaceIsUp(Win32)) {
        TextInit(&text, buffer, sizeof buffer);
        TextAddSpace(&text, PathPlain(Stripe->Path), PartMissing(Stripe->Map, &Stripe->Layout));
        Reason = text.Data;
    }
    return FrameSendError(GetStdHandle(STD_OUTPUT_HANDLE), 0, Win32, Attempt, PathPlain(Stripe->Path),
                          Reason);
}

static DWORD OpenParts(STRIPE *Stripe)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    wchar_t *part = PartName(Stripe->Path), *map = PartMapName(Stripe->Path);

    if (part == NULL || map == NULL)
        goto Exit;
    Stripe->Part = PartOpen(part, share, &error);
    if (error == ERROR_SUCCESS)
        Stripe->Map = PartOpen(map, share, &error);
    /* The streams write the same beginning, whichever comes first. */
    if (error == ERROR_SUCCESS)
        error = WriteFully(Stripe->Map, &Stripe->Layout, sizeof Stripe->Layout);

Exit:
    free(part);
    free(map);
    return error;
}

/* One whole chunk, at its place. */
static int ReceiveChunk(STRIPE *Stripe)
{
    const FRAME_HEADER *header = &Stripe->Frame->Header;
    const PART_LAYOUT *layout = &Stripe->Layout;
    LARGE_INTEGER at = {.QuadPart = (LONGLONG)header->Offset};
    DWORD error = ERROR_SUCCESS;

    if (header->Offset < layout->From || header->Offset >= layout->Size ||
        (header->Offset - layout->From) % layout->Chunk != 0 ||
        header->Length !=
            (layout->Size - header->Offset < layout->Chunk ? layout->Size - header->Offset : layout->Chunk))
        return StripeError(Stripe, ERROR_INVALID_DATA, "receive", "this is not a chunk of the file");
    if (!SetFilePointerEx(Stripe->Part, at, NULL, FILE_BEGIN))
        error = GetLastError();
    if (error == ERROR_SUCCESS)
        error = WriteFully(Stripe->Part, Stripe->Frame->Payload, header->Length);
    if (error == ERROR_SUCCESS)
        error = PartMark(Stripe->Map, layout, header->Offset);
    if (error != ERROR_SUCCESS)
        return StripeError(Stripe, error, "write the part of", NULL);
    Stripe->Written += header->Length;
    return EXIT_DONE;
}

/* Frames until FINISH, which is answered with how much was written. */
static int ReceiveChunks(STRIPE *Stripe)
{
    int code = EXIT_DONE;

    while (code == EXIT_DONE) {
        DWORD error = FrameRead(GetStdHandle(STD_INPUT_HANDLE), Stripe->Frame);

        if (error != ERROR_SUCCESS)
            return StripeError(Stripe, error, "receive", FrameReason(error));
        if (Stripe->Frame->Header.Type == FRAME_FINISH)
            break;
        if (Stripe->Frame->Header.Type != FRAME_DATA)
            return StripeError(Stripe, ERROR_INVALID_DATA, "receive", "a frame of a wrong type");
        code = ReceiveChunk(Stripe);
    }
    if (code == EXIT_DONE && FrameSendSmall(GetStdHandle(STD_OUTPUT_HANDLE), FRAME_HAVE, 0, Stripe->Written,
                                            NULL, 0) != ERROR_SUCCESS)
        code = EXIT_FAILED;
    return code;
}

int CommandStripe(int Argc, wchar_t **Argv)
{
    const wchar_t *size = NULL, *from = NULL, *chunk = NULL, *digest = NULL, *path = NULL;
    const OPTION options[] = {
        {.Name = L"--size", .Value = &size},   {.Name = L"--from", .Value = &from},
        {.Name = L"--chunk", .Value = &chunk}, {.Name = L"--sha256", .Value = &digest},
        {.Name = NULL, .Value = &path},
    };
    STRIPE stripe = {.Part = INVALID_HANDLE_VALUE, .Map = INVALID_HANDLE_VALUE};
    UINT64 bytes;
    DWORD error;
    int code = EXIT_USAGE;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || size == NULL || from == NULL ||
        chunk == NULL || digest == NULL || path == NULL || !ParseU64(size, &stripe.Layout.Size) ||
        !ParseU64(from, &stripe.Layout.From) || !ParseU64(chunk, &bytes) || bytes > PART_CHUNK_MAX ||
        !ParseSha256(digest, stripe.Layout.Sha256))
        return EXIT_USAGE;
    stripe.Layout.Chunk = (UINT32)bytes;
    if (!PartLayoutCheck(&stripe.Layout))
        return EXIT_USAGE;
    stripe.Path = PathOpen(path, &error);
    if (stripe.Path == NULL)
        return FrameSendError(GetStdHandle(STD_OUTPUT_HANDLE), 0, error, "write", path, NULL);
    stripe.Frame = malloc(sizeof *stripe.Frame);
    error = stripe.Frame != NULL ? OpenParts(&stripe) : ERROR_NOT_ENOUGH_MEMORY;
    code = error == ERROR_SUCCESS ? ReceiveChunks(&stripe) : StripeError(&stripe, error, "prepare", NULL);
    if (stripe.Map != INVALID_HANDLE_VALUE)
        CloseHandle(stripe.Map);
    if (stripe.Part != INVALID_HANDLE_VALUE)
        CloseHandle(stripe.Part);
    free(stripe.Frame);
    free(stripe.Path);
    return code;
}
