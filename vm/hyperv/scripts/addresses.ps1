# What the host knows of the machine's addresses: what the guest tells it by its integration services, and what the host has
# seen itself, where it is in one network with it.
$vm = Get-Machine
$adapters = @(foreach ($a in @(Hyper-V\Get-VMNetworkAdapter -VM $vm)) {
    $mac = [string]$a.MacAddress
    $seen = @()
    if ($mac.Length -eq 12 -and $mac -ne '000000000000') {
        $dashed = ($mac -replace '(..)(?!$)', '$1-')
        $seen = @(Get-NetNeighbor -LinkLayerAddress $dashed -ErrorAction SilentlyContinue | ForEach-Object { [string]$_.IPAddress })
    }
    @{ mac = $mac; connected = [bool]$a.SwitchName; told = @($a.IPAddresses | ForEach-Object { [string]$_ }); seen = $seen }
})
@{ state = [int]$vm.State; adapters = $adapters }
