"""Check an OCI image tarball against image-spec 1.0, blob by blob: oci_layout.py TARBALL LAYER-FOLDER

Complains on stderr and fails, or prints what the image is, a member a line, and unpacks its one layer into LAYER-FOLDER.
"""
import gzip
import hashlib
import io
import json
import sys
import tarfile

MEDIA = "application/vnd.oci.image."


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def demand(condition, sentence):
    if not condition:
        sys.exit(f"oci_layout.py: {sentence}")


def read_all(tarball):
    """The files of an archive by name; nothing in it depends on who packed it, and when."""
    names, files = [], {}
    for member in tarball:
        names.append(member.name)
        demand((member.uid, member.gid, member.mtime) == (0, 0, 0), f"{member.name}: owner or time")
        demand(not (member.uname or member.gname), f"{member.name}: an owner's name")
        demand(member.isdir() or member.isreg(), f"{member.name}: neither file nor folder")
        wanted = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        demand(member.mode == wanted, f"{member.name}: mode {member.mode:o}")
        if member.isreg():
            files[member.name] = tarball.extractfile(member).read()
    demand(names == sorted(names), "names are not sorted")
    demand(not tarball.pax_headers, "pax headers")
    return files


def blob_of(files, descriptor, kind):
    demand(descriptor["mediaType"] == MEDIA + kind, f"{descriptor['mediaType']} where {kind} is due")
    algorithm, digest = descriptor["digest"].split(":")
    blob = files.pop(f"blobs/{algorithm}/{digest}")
    demand(sha256(blob) == descriptor["digest"], f"{kind}: digest")
    demand(len(blob) == descriptor["size"], f"{kind}: size")
    return blob


def main():
    tarball, folder = sys.argv[1:]
    with tarfile.open(tarball, "r:") as outer:
        files = read_all(outer)
    demand(json.loads(files.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}, "oci-layout")
    index = json.loads(files.pop("index.json"))
    docker = json.loads(files.pop("manifest.json"))
    demand(index["schemaVersion"] == 2 and index["mediaType"] == MEDIA + "index.v1+json", "index.json")
    [described] = index["manifests"]
    manifest = json.loads(blob_of(files, described, "manifest.v1+json"))
    demand(manifest["schemaVersion"] == 2 and manifest["mediaType"] == described["mediaType"], "manifest")
    config = json.loads(blob_of(files, manifest["config"], "config.v1+json"))
    [descriptor] = manifest["layers"]
    layer = gzip.decompress(blob_of(files, descriptor, "layer.v1.tar+gzip"))
    demand(not files, f"nobody names {list(files)}")
    demand(config["rootfs"] == {"type": "layers", "diff_ids": [sha256(layer)]}, "rootfs")
    demand({k: config[k] for k in described["platform"]} == described["platform"], "platform")
    labels = config["config"]["Labels"]
    demand(manifest["annotations"] == labels, "annotations")
    tag = described["annotations"]["org.opencontainers.image.ref.name"]
    blob_name = lambda d: "blobs/" + d["digest"].replace(":", "/")
    demand(docker == [{"Config": blob_name(manifest["config"]), "Layers": [blob_name(descriptor)],
                       "RepoTags": [labels["org.opencontainers.image.title"] + ":" + tag]}], "manifest.json")
    with tarfile.open(fileobj=io.BytesIO(layer)) as inner:
        read_all(inner)
    with tarfile.open(fileobj=io.BytesIO(layer)) as inner:
        inner.extractall(folder)
    print("tag", tag)
    print("platform", config["os"], config["architecture"])
    print("created", config["created"])
    for key, value in sorted(config["config"].items()):
        if key != "Labels":
            print(key, value if isinstance(value, str) else json.dumps(value))
    for key, value in sorted(labels.items()):
        print(key, value)


if __name__ == "__main__":
    main()
