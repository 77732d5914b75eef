/* plan.c - reads a compiled plan: its header, its tables, what it says of the driver. */
#include "plan.h"
#include "complain.h"
#include "digest.h"
#include "path.h"
#include "service.h"
#include "settings.h"
#include "stream.h"

#include <stdlib.h>

C_ASSERT(sizeof(WSKT_STEP) == 192);
C_ASSERT(sizeof(WSKP_STEP) == 200);
C_ASSERT(sizeof(WSKT_RESULT) == 136);
C_ASSERT(sizeof(WSKP_HEADER) == 112);

BOOL PlanUnfit(TEXT *Reason, const char *What)
{
    TextAdd(Reason, What);
    return FALSE;
}

static BOOL CheckHeader(const WSKP_HEADER *Header, size_t Size, TEXT *Reason)
{
    const UINT32 zero = 0;
    const UINT8 *data = (const UINT8 *)Header;
    UINT32 crc;

    if (Header->Magic != WSKP_MAGIC)
        return PlanUnfit(Reason, "it is not a plan");
    if (Header->Version != WSKP_VERSION)
        return PlanUnfit(Reason, "it is of another version of the plan's layout");
    if (Header->Abi != WSKT_ABI)
        return PlanUnfit(Reason, "it is for another ABI of the driver");
    if (Header->FileSize != Size)
        return PlanUnfit(Reason, "it is longer or shorter than it says");
    crc = Crc32(0, data, FIELD_OFFSET(WSKP_HEADER, Crc32));
    crc = Crc32(crc, &zero, sizeof zero);
    crc =
        Crc32(crc, data + FIELD_OFFSET(WSKP_HEADER, CaseCount), Size - FIELD_OFFSET(WSKP_HEADER, CaseCount));
    if (crc != Header->Crc32)
        return PlanUnfit(Reason, "its checksum is wrong");
    if (Header->StartTimeoutMs == 0 || Header->StartTimeoutMs > WSKT_MAX_WAIT_MS ||
        Header->StopTimeoutMs == 0 || Header->StopTimeoutMs > WSKT_MAX_WAIT_MS)
        return PlanUnfit(Reason, "the time to start or stop the driver is out of range");
    return TRUE;
}

static BOOL TableFits(size_t Size, UINT32 Offset, UINT32 Count, size_t Entry)
{
    return Offset >= sizeof(WSKP_HEADER) && Offset % 8 == 0 && Offset <= Size &&
           Count <= (Size - Offset) / Entry;
}

static BOOL CheckTables(const WSKP_HEADER *Header, size_t Size, TEXT *Reason)
{
    if (!TableFits(Size, Header->CaseOffset, Header->CaseCount, sizeof(WSKP_CASE)) || Header->CaseCount == 0)
        return PlanUnfit(Reason, "its table of cases is empty or out of bounds");
    if (!TableFits(Size, Header->BatchOffset, Header->BatchCount, sizeof(WSKP_BATCH)))
        return PlanUnfit(Reason, "its table of batches is out of bounds");
    if (!TableFits(Size, Header->StepOffset, Header->StepCount, sizeof(WSKP_STEP)))
        return PlanUnfit(Reason, "its table of steps is out of bounds");
    if (Header->StringOffset > Size || Header->StringBytes > Size - Header->StringOffset ||
        Header->StringBytes == 0 ||
        ((const char *)Header)[Header->StringOffset + Header->StringBytes - 1] != '\0')
        return PlanUnfit(Reason, "its strings are out of bounds");
    return TRUE;
}

const char *PlanString(const WSKP_HEADER *Header, UINT32 Offset)
{
    return Offset < Header->StringBytes ? (const char *)Header + Header->StringOffset + Offset : NULL;
}

WORDS PlanWords(const PLAN *Plan, UINT32 Offset)
{
    const char *strings = (const char *)Plan->Header + Plan->Header->StringOffset;

    return (WORDS){.At = strings + Offset, .End = strings + Plan->Header->StringBytes};
}

static BOOL IsPlainText(const char *Text, size_t CharsMax)
{
    size_t length = strlen(Text);

    for (size_t i = 0; i < length; i++) {
        if (Text[i] <= ' ' || Text[i] >= 0x7F || Text[i] == '"' || Text[i] == '\\')
            return FALSE;
    }
    return length != 0 && length <= CharsMax;
}

static BOOL ReadSettings(PLAN *Plan, TEXT *Reason)
{
    UINT32 flags = Plan->Header->Flags;

    if ((flags & ~(WSKP_EXTERNAL | WSKP_NEVER_UNLOAD)) != 0 || flags == WSKP_NEVER_UNLOAD)
        return PlanUnfit(Reason, "it has flags that this agent does not know, or not together");
    if (PlanString(Plan->Header, Plan->Header->Settings) == NULL)
        return PlanUnfit(Reason, "the settings of the driver's service are out of bounds");
    Plan->External = (flags & WSKP_EXTERNAL) != 0;
    Plan->NeverUnload = (flags & WSKP_NEVER_UNLOAD) != 0;
    if (!Plan->External)
        return TRUE;
    Plan->Settings = PlanWords(Plan, Plan->Header->Settings);
    if (!SettingsValid(Plan->Settings))
        return PlanUnfit(Reason, "the settings of the driver's service are none that this agent knows");
    return TRUE;
}

static BOOL ReadStrings(PLAN *Plan, TEXT *Reason)
{
    const WSKP_HEADER *header = Plan->Header;
    const char *path = PlanString(header, header->DriverPath);
    const char *name = PlanString(header, header->ServiceName);
    DWORD error;

    Plan->RunId = PlanString(header, header->RunId);
    if (Plan->RunId == NULL || !IsPlainText(Plan->RunId, PLAN_RUN_ID_CHARS_MAX))
        return PlanUnfit(Reason, "its run id is missing or not plain");
    if (path == NULL || name == NULL)
        return PlanUnfit(Reason, "its driver path or service name is out of bounds");
    if (path[0] == '\0')
        return TRUE;
    Plan->DriverPath = PathOpenUtf8(path, strlen(path), &error);
    if (Plan->DriverPath == NULL)
        return PlanUnfit(Reason, "its driver path is not absolute, on a drive, of plain components");
    if (MultiByteToWideChar(CP_UTF8, 0, name, -1, Plan->ServiceName, ARRAYSIZE(Plan->ServiceName)) == 0 ||
        !ServiceNameValid(Plan->ServiceName))
        return PlanUnfit(Reason, "its service name has other characters than letters, digits, '.', '_', '-'");
    return ReadSettings(Plan, Reason);
}

BOOL PlanRead(PLAN *Plan, const wchar_t *Path, TEXT *Reason)
{
    const WSKP_HEADER *header;
    DWORD error;
    size_t size;

    *Plan = (PLAN){0};
    error = ReadWholeFile(Path, WSKP_MAX_FILE, &Plan->Data, &size);
    if (error != ERROR_SUCCESS) {
        TextAddError(Reason, error);
        return FALSE;
    }
    if (size < sizeof *header)
        return PlanUnfit(Reason, "it is too short for a plan");
    header = (const WSKP_HEADER *)Plan->Data;
    if (!CheckHeader(header, size, Reason) || !CheckTables(header, size, Reason))
        return FALSE;
    Plan->Header = header;
    Plan->Case = (const WSKP_CASE *)(Plan->Data + header->CaseOffset);
    Plan->Batch = (const WSKP_BATCH *)(Plan->Data + header->BatchOffset);
    Plan->Step = (const WSKP_STEP *)(Plan->Data + header->StepOffset);
    return ReadStrings(Plan, Reason);
}

void PlanFree(PLAN *Plan)
{
    free(Plan->DriverPath);
    free(Plan->Data);
    *Plan = (PLAN){0};
}
