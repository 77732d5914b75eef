/* output.c - what a step's program or device wrote, on its way into the journal. */
#include "output.h"

#include <stdlib.h>

#define OUTPUT_PIECE_BYTES 1344u /* in base64 1792, which leaves room for the words of a line */

static void Base64(const UINT8 *Data, DWORD Bytes, char *Text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (DWORD i = 0; i < Bytes; i += 3) {
        DWORD left = Bytes - i;
        UINT32 three = (UINT32)Data[i] << 16 | (left > 1 ? (UINT32)Data[i + 1] << 8 : 0) |
                       (left > 2 ? (UINT32)Data[i + 2] : 0);

        *Text++ = digits[three >> 18];
        *Text++ = digits[three >> 12 & 63];
        *Text++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *Text++ = left > 2 ? digits[three & 63] : '=';
    }
    *Text = '\0';
}

/* What the pieces of an output have in common. */
typedef struct WRITTEN {
    UINT32 Case, Step;
    const char *Of;
    UINT64 Total;
    BOOL Last;   /* they are of its end, … */
    UINT64 From; /* … which begins there */
} WRITTEN;

static void WritePieces(JOURNAL *Journal, const WRITTEN *Written, const UINT8 *Data, DWORD Bytes)
{
    char text[OUTPUT_PIECE_BYTES / 3 * 4 + 1];

    for (DWORD at = 0; at < Bytes && Journal->Error == ERROR_SUCCESS; at += OUTPUT_PIECE_BYTES) {
        DWORD piece = Bytes - at < OUTPUT_PIECE_BYTES ? Bytes - at : OUTPUT_PIECE_BYTES;
        TEXT *line = JournalEvent(Journal, "output");

        Base64(Data + at, piece, text);
        JsonU64(line, "n", Written->Case);
        JsonU64(line, "step", Written->Step);
        JsonString(line, "of", Written->Of);
        JsonU64(line, "total", Written->Total);
        if (Written->Last)
            JsonU64(line, "at", Written->From + at);
        JsonString(line, "data", text);
        JournalWrite(Journal);
    }
}

void OutputWrite(JOURNAL *Journal, UINT32 Case, UINT32 Step, const char *Of, CAPTURE *Kept)
{
    WRITTEN written = {.Case = Case, .Step = Step, .Of = Of, .Total = Kept->Total};
    UINT8 last[CAPTURE_LAST_BYTES];
    DWORD bytes = CaptureLast(Kept, last);

    WritePieces(Journal, &written, Kept->Data, Kept->Kept);
    written.Last = TRUE;
    written.From = Kept->Total - bytes;
    WritePieces(Journal, &written, last, bytes);
    free(Kept->Data);
    *Kept = (CAPTURE){0};
}
