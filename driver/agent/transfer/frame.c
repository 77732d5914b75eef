/* frame.c - the frames of put and get. */
#include "frame.h"
#include "complain.h"
#include "digest.h"
#include "stream.h"

#include <zlib.h>

#define SMALL_PAYLOAD_MAX 4096u
#define SAMPLE_BYTES      16384u /* looked at before the whole of a payload is deflated */

C_ASSERT(sizeof(FRAME_HEADER) == 24);
C_ASSERT(FIELD_OFFSET(FRAME, Deflated) == FIELD_OFFSET(FRAME, DeflatedHeader) + sizeof(FRAME_HEADER));

/* Undoes FRAME_DEFLATED: from Deflated, where the payload was read to, into Payload. */
static DWORD Inflate(FRAME *Frame)
{
    uLong taken = Frame->Header.Length - sizeof(UINT32);
    uLongf got = FRAME_PAYLOAD_MAX;
    UINT32 length;

    if (Frame->Header.Length <= sizeof length)
        return ERROR_INVALID_DATA;
    memcpy(&length, Frame->Deflated, sizeof length);
    if (length == 0 || length > FRAME_PAYLOAD_MAX ||
        uncompress(Frame->Payload, &got, Frame->Deflated + sizeof length, taken) != Z_OK || got != length)
        return ERROR_INVALID_DATA;
    Frame->Header.Length = length;
    Frame->Header.Flags = 0;
    return ERROR_SUCCESS;
}

/* Deflates Bytes of the payload into Deflated; returns their number then, 0 when it is not worth while. */
static UINT32 TryDeflate(FRAME *Frame, UINT32 Bytes)
{
    uLongf packed = Bytes - Bytes / 8;

    if (compress2(Frame->Deflated + sizeof(UINT32), &packed, Frame->Payload, Bytes, Z_BEST_SPEED) != Z_OK)
        return 0; /* Z_BUF_ERROR: it would be longer than that */
    return (UINT32)packed;
}

/* Makes the deflated form of a frame that gets shorter by it; FALSE when it does not. */
static BOOL Deflate(FRAME *Frame)
{
    UINT32 length = Frame->Header.Length, packed;

    if (length < SAMPLE_BYTES || TryDeflate(Frame, SAMPLE_BYTES) == 0)
        return FALSE;
    packed = TryDeflate(Frame, length);
    if (packed == 0)
        return FALSE;
    memcpy(Frame->Deflated, &length, sizeof length);
    Frame->DeflatedHeader = Frame->Header;
    Frame->DeflatedHeader.Flags = FRAME_DEFLATED;
    Frame->DeflatedHeader.Length = packed + (UINT32)sizeof length;
    return TRUE;
}

DWORD FrameRead(HANDLE Stream, FRAME *Frame)
{
    FRAME_HEADER *header = &Frame->Header;
    UINT8 *payload;
    size_t got;
    DWORD error = ReadFully(Stream, header, sizeof *header, &got);

    if (error != ERROR_SUCCESS)
        return error;
    if (got != sizeof *header)
        return got == 0 ? ERROR_HANDLE_EOF : ERROR_BROKEN_PIPE;
    if (header->Magic != FRAME_MAGIC || header->Length > FRAME_PAYLOAD_MAX ||
        (header->Flags != 0 && (header->Flags != FRAME_DEFLATED || header->Type != FRAME_DATA)))
        return ERROR_INVALID_DATA;
    payload = header->Flags != 0 ? Frame->Deflated : Frame->Payload;
    error = ReadFully(Stream, payload, header->Length, &got);
    if (error != ERROR_SUCCESS)
        return error;
    if (got != header->Length)
        return ERROR_BROKEN_PIPE;
    if (Crc32(0, payload, header->Length) != header->Crc32)
        return ERROR_CRC;
    return header->Flags != 0 ? Inflate(Frame) : ERROR_SUCCESS;
}

const char *FrameReason(DWORD Error)
{
    switch (Error) {
    case ERROR_CRC: return "a frame's checksum is wrong";
    case ERROR_INVALID_DATA: return "this is not a frame";
    case ERROR_HANDLE_EOF: return "the input ended before FINISH; put again to resume";
    case ERROR_BROKEN_PIPE: return "the input ended within a frame; put again to resume";
    default: return NULL;
    }
}

DWORD FrameSend(HANDLE Stream, FRAME *Frame)
{
    FRAME_HEADER *header = &Frame->Header;

    header->Magic = FRAME_MAGIC;
    header->Flags = 0;
    if (Deflate(Frame))
        header = &Frame->DeflatedHeader;
    header->Crc32 = Crc32(0, header + 1, header->Length);
    return WriteFully(Stream, header, sizeof *header + header->Length);
}

DWORD FrameSendSmall(HANDLE Stream, UINT8 Type, UINT16 File, UINT64 Offset, const void *Payload,
                     UINT32 Length)
{
    UINT8 buffer[sizeof(FRAME_HEADER) + SMALL_PAYLOAD_MAX];
    FRAME_HEADER header = {.Magic = FRAME_MAGIC, .Type = Type, .File = File, .Offset = Offset};

    if (Length > SMALL_PAYLOAD_MAX)
        return ERROR_INVALID_PARAMETER;
    header.Length = Length;
    if (Length != 0)
        memcpy(buffer + sizeof header, Payload, Length);
    header.Crc32 = Crc32(0, buffer + sizeof header, Length);
    memcpy(buffer, &header, sizeof header);
    return WriteFully(Stream, buffer, sizeof header + Length);
}

int FrameSendError(HANDLE Stream, UINT16 File, DWORD Win32, const char *Attempt, const wchar_t *Subject,
                   const char *Reason)
{
    char buffer[SMALL_PAYLOAD_MAX];
    TEXT text;

    TextInit(&text, buffer, sizeof buffer);
    TextAdd(&text, Attempt);
    if (Subject != NULL) {
        TextAdd(&text, " ");
        TextAddWide(&text, Subject);
    }
    TextAdd(&text, ": ");
    if (Reason != NULL)
        TextAdd(&text, Reason);
    else
        TextAddError(&text, Win32);
    /* If the other end is gone, standard error still has the reason. */
    (void)FrameSendSmall(Stream, FRAME_ERROR, File, Win32, text.Data, (UINT32)text.Length);
    return Reason != NULL ? ComplainText(Attempt, Subject, Reason) : Complain(Attempt, Subject, Win32);
}
