/*
 * genericprogram.c - steps that run a program. Source: "CreateProcess" in the Win32 reference.
 */
#include "genericsteps.h"
#include "path.h"
#include "status.h"

#include <stdlib.h>
#include <wchar.h>

#define COMMAND_CHARS 32000u

static DWORD KeepFile(const wchar_t *Path, CAPTURE *Kept)
{
    UINT8 buffer[4096];
    DWORD got = 0, error = ERROR_SUCCESS;
    HANDLE file =
        CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    Kept->Room = WSKP_REPORT_BYTES;
    Kept->Data = malloc(Kept->Room);
    do {
        if (!ReadFile(file, buffer, sizeof buffer, &got, NULL)) {
            error = GetLastError();
            break;
        }
        CaptureAdd(Kept, buffer, got);
    } while (got != 0 && Kept->Total <= Kept->Room);
    CloseHandle(file);
    return error;
}

/* "C:\…\work\0\tool.exe" arguments; a program that is not in the case's folder is looked for as Windows does.
 */
static wchar_t *CommandLine(const GENERIC *Generic, const wchar_t *Program, const wchar_t *Arguments)
{
    wchar_t *line = calloc(COMMAND_CHARS, sizeof *line);
    DWORD error;
    wchar_t *own = GenericFind(Generic, Program, &error);
    const wchar_t *name = Program;

    if (own != NULL && GetFileAttributesW(own) != INVALID_FILE_ATTRIBUTES)
        name = PathPlain(own);
    if (line != NULL && wcslen(name) + wcslen(Arguments) + 3 < COMMAND_CHARS && wcschr(name, L'"') == NULL) {
        wcscpy(line, L"\"");
        wcscat(line, name);
        wcscat(line, L"\"");
        wcscat(line, Arguments); /* begins with a blank */
    } else {
        free(line);
        line = NULL;
    }
    free(own);
    return line;
}

static UINT32 RunProgram(GENERIC *Generic, PROGRAM *Program, const wchar_t *Report)
{
    wchar_t *path;
    DWORD error = ProgramRun(Program);

    Generic->Kept[OUTPUT_OUT] = Program->Out;
    Generic->Kept[OUTPUT_ERR] = Program->Err;
    Generic->Result->Value[WSKP_V_RUN_EXIT] = Program->ExitCode;
    Generic->Result->Value[WSKP_V_RUN_OUT] = Program->Out.Total;
    Generic->Result->Value[WSKP_V_RUN_ERR] = Program->Err.Total;
    if (error != ERROR_SUCCESS)
        return StatusOfWin32(error);
    if (Program->TimedOut)
        return STATUS_TIMEOUT_VALUE;
    if (Report == NULL)
        return STATUS_SUCCESS_VALUE;
    path = GenericPath(Generic->Folders.Work, Report, &error);
    if (path != NULL)
        error = KeepFile(path, &Generic->Kept[OUTPUT_REPORT]);
    free(path);
    /* Of a program that says that it failed, that is what is to be told. */
    return Program->ExitCode != 0 ? STATUS_SUCCESS_VALUE : StatusOfWin32(error);
}

/* The case's folder, which is made when something first needs it. */
static DWORD MakeCaseFolder(const wchar_t *Folder)
{
    wchar_t *inside = FolderJoin(Folder, L"x");
    DWORD error = inside != NULL ? PathMakeFolders(inside) : ERROR_NOT_ENOUGH_MEMORY;

    free(inside);
    return error;
}

UINT32 DoRun(GENERIC *Generic)
{
    PROGRAM program = {.TimeoutMs = (UINT32)Generic->Step->Arg[0]};
    wchar_t *name = WordsNextWide(&Generic->Words), *arguments = WordsNextWide(&Generic->Words);
    wchar_t *report = WordsNextWide(&Generic->Words); /* NULL: it writes none */
    UINT32 status = StatusOfWin32(ERROR_INVALID_NAME);

    program.Out.Room = program.Err.Room = WSKP_GENERIC_BYTES;
    program.Folder = PathPlain(Generic->Folders.Work);
    if (name != NULL && arguments != NULL)
        program.CommandLine = CommandLine(Generic, name, arguments);
    if (program.CommandLine != NULL)
        status = StatusOfWin32(MakeCaseFolder(Generic->Folders.Work));
    if (status == STATUS_SUCCESS_VALUE)
        status = RunProgram(Generic, &program, report);
    free(program.CommandLine);
    free(name);
    free(arguments);
    free(report);
    return status;
}
