/* frame.c - the frames of put and get. */
#include "frame.h"
#include "complain.h"
#include "digest.h"
#include "stream.h"

#define SMALL_PAYLOAD_MAX 4096u

C_ASSERT(sizeof(FRAME_HEADER) == 24);

DWORD FrameRead(HANDLE Stream, FRAME *Frame)
{
    FRAME_HEADER *header = &Frame->Header;
    size_t got;
    DWORD error = ReadFully(Stream, header, sizeof *header, &got);

    if (error != ERROR_SUCCESS)
        return error;
    if (got != sizeof *header)
        return got == 0 ? ERROR_HANDLE_EOF : ERROR_BROKEN_PIPE;
    if (header->Magic != FRAME_MAGIC || header->Flags != 0 || header->Length > FRAME_PAYLOAD_MAX)
        return ERROR_INVALID_DATA;
    error = ReadFully(Stream, Frame->Payload, header->Length, &got);
    if (error != ERROR_SUCCESS)
        return error;
    if (got != header->Length)
        return ERROR_BROKEN_PIPE;
    return Crc32(0, Frame->Payload, header->Length) == header->Crc32 ? ERROR_SUCCESS : ERROR_CRC;
}

DWORD FrameSend(HANDLE Stream, FRAME *Frame)
{
    FRAME_HEADER *header = &Frame->Header;

    header->Magic = FRAME_MAGIC;
    header->Flags = 0;
    header->Crc32 = Crc32(0, Frame->Payload, header->Length);
    return WriteFully(Stream, Frame, sizeof *header + header->Length);
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
