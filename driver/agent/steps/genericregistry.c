/*
 * genericregistry.c - the step that reads, writes or deletes a value of the registry. Source: "Registry
 * functions" in the Win32 reference.
 */
#include "step.h"
#include "service.h"
#include "settings.h"
#include "status.h"
#include "undo.h"

#include <stdlib.h>

#define NAME_MARK L'='

static DWORD RegistryRead(STEP_RUN *Run, HKEY Key, const wchar_t *Name)
{
    CAPTURE *kept = &Run->Kept[OUTPUT_OUT];
    DWORD type = 0, bytes = WSKP_GENERIC_BYTES;
    UINT8 *data = malloc(bytes);
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    kept->Room = bytes;
    kept->Data = malloc(kept->Room);
    if (data != NULL && kept->Data != NULL)
        error = (DWORD)RegQueryValueExW(Key, Name, NULL, &type, data, &bytes);
    if (error == ERROR_SUCCESS)
        CaptureAdd(kept, data, bytes);
    free(data);
    Run->Result->Value[WSKP_V_REGISTRY_TYPE] = type;
    Run->Result->Value[WSKP_V_REGISTRY_BYTES] = bytes;
    return error;
}

static DWORD RegistryWrite(STEP_RUN *Run, const wchar_t *Path, const wchar_t *Name, const char *Digits)
{
    UINT8 *data = malloc(WSKP_GENERIC_BYTES);
    DWORD bytes = 0, error = ERROR_NOT_ENOUGH_MEMORY;
    HKEY key = NULL;

    if (data != NULL)
        error = Digits == NULL || HexBytes(Digits, data, WSKP_GENERIC_BYTES, &bytes) ? ERROR_SUCCESS
                                                                                     : ERROR_INVALID_DATA;
    if (error == ERROR_SUCCESS)
        error = (DWORD)RegCreateKeyExW(UndoRoot((DWORD)Run->Step->Arg[1]), Path, 0, NULL, 0, KEY_SET_VALUE,
                                       NULL, &key, NULL);
    if (error == ERROR_SUCCESS) {
        error = (DWORD)RegSetValueExW(key, Name, 0, (DWORD)Run->Step->Arg[3], data, bytes);
        RegCloseKey(key);
    }
    free(data);
    return error;
}

static DWORD RegistryDo(STEP_RUN *Run, const wchar_t *Path, const wchar_t *Name, const char *Digits)
{
    DWORD root = (DWORD)Run->Step->Arg[1], error = ERROR_SUCCESS;
    BOOL deletes = Run->Step->Arg[0] == WSKP_REGISTRY_DELETE;
    HKEY key;

    if (Run->Step->Arg[0] == WSKP_REGISTRY_SET) {
        error = UndoNoteValue(Run->Journal, root, Path, Name);
        return error == ERROR_SUCCESS ? RegistryWrite(Run, Path, Name, Digits) : error;
    }
    error =
        (DWORD)RegOpenKeyExW(UndoRoot(root), Path, 0, KEY_QUERY_VALUE | (deletes ? KEY_SET_VALUE : 0), &key);
    if (error != ERROR_SUCCESS)
        return error;
    if (!deletes)
        error = RegistryRead(Run, key, Name);
    else if ((error = UndoNoteValue(Run->Journal, root, Path, Name)) == ERROR_SUCCESS)
        error = (DWORD)RegDeleteValueW(key, Name);
    RegCloseKey(key);
    return error;
}

static UINT32 DoRegistry(STEP_RUN *Run)
{
    wchar_t *key = WordsNextWide(&Run->Words), *name = WordsNextWide(&Run->Words);
    const char *digits = WordsNext(&Run->Words);
    BOOL own = Run->Step->Arg[2] != 0; /* the key is that of the driver's parameters */
    wchar_t parameters[SERVICE_KEY_CHARS];
    DWORD error = ERROR_INVALID_NAME;

    ServiceParametersKey(Run->Plan->ServiceName, parameters);
    if (key != NULL && name != NULL && name[0] == NAME_MARK)
        error = RegistryDo(Run, own ? parameters : key, name + 1, digits);
    free(key);
    free(name);
    return StatusOfWin32(error);
}

const STEP_KIND RegistryStep = {.Op = WSKP_OP_REGISTRY,
                                .Execute = DoRegistry,
                                .ArgMax = {WSKP_REGISTRY_DELETE, 1, 1, REG_QWORD},
                                .TextsMin = 2,
                                .TextsMax = 3};
