/*
 * The bill of materials: which libraries of which packages were linked, as CycloneDX 1.5 (gen/sbom.sh makes it, the build
 * rules put it in).
 *
 * One line of JSON and its newline; a NUL follows.
 */
#ifndef CLI_SBOM_H
#define CLI_SBOM_H

extern const char migrate_sbom[];

#endif
