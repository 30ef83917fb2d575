# Databases in a second against jobs: jobs.tsv.
set terminal svg size 720,420 font "sans-serif,13" background "white" name "jobs"
set datafile separator "\t"
set key bottom right
set logscale x 2
set xtics (1, 2, 4, 8, 16, 32, 64)
set xrange [0.9:70]
set yrange [0:*]
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set xlabel "jobs, or threads"
set ylabel "databases in a second"
set title "Nothing to do, 200 PostgreSQL databases"
plot "jobs.tsv" using 1:2 skip 1 with linespoints lw 2 pt 7 ps 0.7 lc rgb "#1f5fa8" title "profile-migrate", \
     "jobs.tsv" using 1:3 skip 1 with linespoints lw 2 pt 5 ps 0.6 lc rgb "#888888" title "bare libpq, one SELECT each"
