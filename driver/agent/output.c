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

void OutputWrite(JOURNAL *Journal, UINT32 Case, UINT32 Step, const char *Of, CAPTURE *Kept)
{
    char text[OUTPUT_PIECE_BYTES / 3 * 4 + 1];

    for (DWORD at = 0; at < Kept->Kept && Journal->Error == ERROR_SUCCESS; at += OUTPUT_PIECE_BYTES) {
        DWORD bytes = Kept->Kept - at < OUTPUT_PIECE_BYTES ? Kept->Kept - at : OUTPUT_PIECE_BYTES;
        TEXT *line = JournalEvent(Journal, "output");

        Base64(Kept->Data + at, bytes, text);
        JsonU64(line, "n", Case);
        JsonU64(line, "step", Step);
        JsonString(line, "of", Of);
        JsonU64(line, "total", Kept->Total);
        JsonString(line, "data", text);
        JournalWrite(Journal);
    }
    free(Kept->Data);
    *Kept = (CAPTURE){0};
}
